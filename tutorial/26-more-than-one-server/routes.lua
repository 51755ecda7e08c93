pools{
    main = {
        backend_options = { readtimeout = 1, retrytimeout = 2, failurelimit = 1 },
        backends = { "127.0.0.1:21211", "127.0.0.1:21212", "127.0.0.1:21213" },
    },
}
routes{ default = route_direct{ child = "main" } }
