#if SQS
    import Martlet
#endif
