#if SQS
    import Testing
#endif
