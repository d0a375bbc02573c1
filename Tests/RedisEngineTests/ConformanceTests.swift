#if Redis
    import Testing
#endif
