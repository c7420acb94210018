"""Answer questions about compressed swap, one package a question; each may use those below it.

`settings` says what a run is to do. `profile` measures what codecs make of page contents. `run` replays one trace.
`curve` counts faults at every DRAM size. `compare`, `plan`, `validate` and `cram` each answer a question with these.
"""
