#if RabbitMQ
    import Testing
#endif
