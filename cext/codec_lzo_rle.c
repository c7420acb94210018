/* SPDX-License-Identifier: Apache-2.0 */
/* "lzo-rle": Linux' default for zram, byte for byte. It is lzo with an instruction for runs of zeros. */
#include "lzo1x.h"
#include "zsw_builtin.h"
#include "zsw_memory.h"

static const zsw_param lzo_rle_parameters[] = {{0}};

const zsw_codec zsw_codec_lzo_rle = {
    .abi = ZSW_CODEC_ABI,
    .name = "lzo-rle",
    .params = lzo_rle_parameters,
    .params_create = zsw_no_params_create,
    .params_destroy = zsw_no_params_destroy,
    .ctx_create = zsw_lzo_ctx_create,
    .ctx_destroy = zsw_free,
    .compress = zsw_lzo_rle_compress,
    .decompress = zsw_lzo_decompress,
};
