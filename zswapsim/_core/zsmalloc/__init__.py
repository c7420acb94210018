"""Allocate compressed objects as mm/zsmalloc.c does, keep slots over them, and store pages in them."""
