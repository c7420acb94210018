"""The integer parameters that a third party's table announces, checked before anybody uses them."""

from collections import namedtuple

from zswapsim._core.base.arguments cimport whole
from zswapsim._core.base.errors import PluginError

Parameter = namedtuple("Parameter", "name lowest highest initial help")
Parameter.__doc__ = "One integer parameter: its name, range (both ends allowed), initial value, one line of help."


cdef str utf8_text(const char *chars, str subject):
    if chars == NULL:
        return ""
    try:
        return (<bytes> chars).decode("utf-8")
    except UnicodeDecodeError:
        raise PluginError(f"{subject}: a text that is not UTF-8") from None


cdef tuple parameters_of_list(const zsw_param *params, str subject):
    parameters = []
    while params[len(parameters)].name != NULL and len(parameters) < MAX_PARAMETERS:
        p = &params[len(parameters)]
        name, text = utf8_text(p.name, subject), utf8_text(p.help, subject)
        parameters.append(Parameter(name, p.lowest, p.highest, p.initial, text))
    return tuple(parameters)


cdef object int64(value):
    return whole(value, "parameter", -(1 << 63), (1 << 63) - 1)


cdef tuple parameters_of_dict(object parameters, str subject):
    try:
        return tuple(
            Parameter(str(key), int64(low), int64(high), int64(initial), str(text))
            for key, (low, high, initial, text) in dict(parameters).items()
        )
    except (TypeError, ValueError) as error:  # an InputError is a ValueError
        raise PluginError(
            f"{subject}: `parameters` must map a name to (lowest, highest, initial, help): {error}"
        ) from error


cdef int check_names(str name, tuple parameters, str subject) except -1:
    for each in (name, *(parameter.name for parameter in parameters)):
        if not each or each != each.lower() or set(each) & set(":,= "):
            raise PluginError(f"{subject}: {each!r} is no name: expected lower case without ':', ',', '=' or a space")
    if len(parameters) >= MAX_PARAMETERS:
        raise PluginError(f"{subject}: more than {MAX_PARAMETERS - 1} parameters (is there a NULL name at the end?)")
    for p in parameters:
        if not p.lowest <= p.initial <= p.highest:
            limits = f"{p.lowest} … {p.highest}"
            raise PluginError(f"{subject}: parameter {p.name}: initial value {p.initial} outside {limits}")
    return 0
