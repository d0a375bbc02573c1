#if RabbitMQ
    import Martlet
#endif
