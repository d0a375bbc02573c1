#if Kafka
    import Martlet
#endif
