#if Redis
    import Martlet
#endif
