#if Kafka
    import Testing
#endif
