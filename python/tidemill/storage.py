"""StorageLevel: accepted where pyspark takes one."""


class StorageLevel:
    """Where pyspark keeps copies. Tidemill decides that itself: what is received lies in the log
    of the data directory, and in memory as long as there is room."""

    def __init__(self, useDisk=False, useMemory=True, useOffHeap=False, deserialized=False,
                 replication=1):
        self.useDisk = useDisk
        self.useMemory = useMemory
        self.useOffHeap = useOffHeap
        self.deserialized = deserialized
        self.replication = replication


StorageLevel.DISK_ONLY = StorageLevel(True, False)
StorageLevel.DISK_ONLY_2 = StorageLevel(True, False, replication=2)
StorageLevel.MEMORY_ONLY = StorageLevel(False, True)
StorageLevel.MEMORY_ONLY_2 = StorageLevel(False, True, replication=2)
StorageLevel.MEMORY_AND_DISK = StorageLevel(True, True)
StorageLevel.MEMORY_AND_DISK_2 = StorageLevel(True, True, replication=2)
