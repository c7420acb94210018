"""List the backends, reclaimers, compressing devices and groups of the digest, as they are written in settings."""

RECLAIMERS = ("lru", "two-list", "mglru", "clock", "fifo", "sieve", "s3fifo")
REAL = ("bytes", "sizes")
ALL_POLICIES = (
    *RECLAIMERS,
    "two-list:fault_access=1",
    "two-list:fault_access=1,stats_every=500,stats_cpus=2",
    "two-list:stats_every=700",
    "mglru:fault_access=0",
)

ZSWAP = (
    "zswap",
    "zswap:max_pool_percent=0",
    "zswap:max_pool_percent=8",
    "zswap:max_pool_percent=40",
    "zswap:max_pool_percent=100",
    "zswap:version=6.6",
    "zswap:version=6.11,max_pool_percent=10",
    "zswap:version=6.12",
    "zswap:version=6.17,max_pool_percent=35",
    "zswap:max=0",
    "zswap:max=300000",
    "zswap:writeback=0",
    "zswap:writeback=0,max=200000",
    "zswap:writeback=0,version=6.12,max_pool_percent=12",
    "zswap:shrinker_enabled=1",
    "zswap:shrinker_enabled=1,shrinker_priority=3,max_pool_percent=50",
    "zswap:retries=1000000,max_pool_percent=10",
    "zswap:retries=1,max_pool_percent=10",
)
ZRAM = (
    "zram",
    "zram:mem_limit=600KiB",
    "zram:mem_limit=2MiB",
    "zram:disksize=3MiB",
    "zram:disksize=5MiB,mem_limit=1800KiB",
    "zram:charged=0",
    "zram:charged=0,mem_limit=1MiB",
    "zram:compact_every=1500",
    "zram:algorithms=lzo-rle,recompress_every=3000",
    "zram:algorithms=lzo+bdi,recompress_every=2000,recompress=huge,compact_every=2500",
    "zram:algorithms=lzo+fpc+wkdm,recompress_every=2000,priority=1,threshold=1500",
    "zram:algorithms=lzo+wkdm,recompress_every=2000,algo=wkdm,max_pages=60",
    "zram:algorithms=lzo-rle,recompress_every=2500,recompress=idle,idle_every=2000",
    "zram:algorithms=lzo-rle,recompress_every=2500,recompress=huge_idle,idle_every=1000,idle_age=600",
    "zram:writeback_every=2000,idle_every=1500",
    "zram:writeback_every=2000,writeback=huge",
    "zram:writeback_every=2000,writeback=huge_idle,idle_every=1000",
    "zram:writeback_every=2000,idle_every=1000,idle_age=1200,mem_limit=1500KiB",
    "zram:writeback_every=1500,page_indexes=7+100-400",
    "zram:writeback_every=1000,writeback=huge,writeback_limit_enable=1,writeback_limit=40",
    "zram:algorithms=lzo,recompress_every=1500,writeback_every=2000,writeback=incompressible",
)
TIERS = (
    "private-node/zswap",
    "private-node/zswap:max_pool_percent=5,shrinker_enabled=1,shrinker_priority=4",
    "private-node/zswap:version=6.6,max=100000",
    "zram:mem_limit=400KiB/zswap",
    "zram:mem_limit=400KiB,writeback_every=2000,idle_every=1000/zswap:max_pool_percent=10",
    "zram:mem_limit=600KiB,algorithms=lzo-rle,recompress_every=3000,compact_every=2000/zswap",
)
CRAM = (
    "",
    "ratio=1.5,control=counting",
    "ratio=3,control=tokens,tokens=8",
    "read=copy",
    "ratio=4,delay=50,zero=2000,zero_batch=20",
    "ratio=6,delay=800,zero=0",
    "ratio=6,delay=800,zero=0,loss=end",
    "ratio=6,delay=800,zero=0,read=copy",
    "ratio=3,delay=40us,zero=5ms,high=700,low=500",
    "ratio=3,sector=512,line_ns=600,zero=10ms",
    "form=tier,ratio=2.5",
    "form=tier,ratio=3,budget=10%",
    "form=tier,ratio=3,budget=100,control=counting",
    "form=tier,ratio=3,budget=100%,control=tokens,tokens=4,zero=1ms",
    "form=tier,ratio=6,budget=100%,delay=500,zero=0",
    "form=tier,ratio=6,budget=100%,delay=500,zero=0,loss=end",
    "form=tier,ratio=4,control=tokens,delay=100,zero=300,zero_batch=4",
)
GROUPS = (
    "a:processes=1;b:processes=2",
    "web:processes=1+2,max=200K;web/front:processes=3;batch:processes=4",
    "web:processes=1,max=0;batch:processes=2-3;batch/z:processes=4,writeback=0",
    "x:max=900K;x/y:processes=1,max=100K;x/z:processes=2,writeback=0",
)
