/* SPDX-License-Identifier: Apache-2.0 */
/* "lzo": Linux' lzo, byte for byte; liblzo2 calls it lzo1x_1_15_compress. */
#include "lzo1x.h"
#include "zsw_builtin.h"
#include "zsw_memory.h"

int zsw_lzo_ctx_create(const void *params, void **ctx) {
    (void)params;
    *ctx = zsw_memory.alloc_aligned(_Alignof(position_table), sizeof(position_table));
    return *ctx ? ZSW_OK : ZSW_E_NOMEM;
}

static const zsw_param lzo_parameters[] = {{0}};

const zsw_codec zsw_codec_lzo = {
    .abi = ZSW_CODEC_ABI,
    .name = "lzo",
    .params = lzo_parameters,
    .params_create = zsw_no_params_create,
    .params_destroy = zsw_no_params_destroy,
    .ctx_create = zsw_lzo_ctx_create,
    .ctx_destroy = zsw_free,
    .compress = zsw_lzo_compress,
    .decompress = zsw_lzo_decompress,
};
