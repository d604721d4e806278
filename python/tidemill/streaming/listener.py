"""StreamingListener: what a program can hear of its running job."""


class _Info:
    """What is known of an event; each part by a method, as in pyspark."""

    def __init__(self, known):
        self._known = known

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._known:
            raise AttributeError(name)
        value = self._known[name]
        return lambda: value

    def __repr__(self):
        return ", ".join(f"{name}={value}" for name, value in self._known.items())


class BatchInfo(_Info):
    """batchTime() in milliseconds since 1970, batchId(), numRecords(), replayed(); and in
    milliseconds, None when not known yet, schedulingDelay(), processingDelay(), totalDelay()."""

    def __init__(self, known):
        super().__init__({
            "batchTime": known["time"], "batchId": known["id"], "numRecords": known["records"],
            "replayed": known["replayed"], "schedulingDelay": known["schedulingDelay"],
            "processingDelay": known["processingDelay"], "totalDelay": known["totalDelay"]})


class ReceiverInfo(_Info):
    """streamId(), name(), lastErrorMessage()."""

    def __init__(self, known):
        super().__init__({"streamId": known["source"], "name": known["description"],
                          "lastErrorMessage": known["message"]})


class OutputOperationInfo(_Info):
    """batchTime(), batchId(), id(), name(), duration() in milliseconds, failureReason()."""

    def __init__(self, known):
        super().__init__({
            "batchTime": known["time"], "batchId": known["batch"], "id": known["output"],
            "name": known["description"], "duration": known["duration"],
            "failureReason": known["error"]})


class _Event:
    def __init__(self, name, info):
        setattr(self, name, lambda: info)


class StreamingListener:
    """Override what is of interest. Called by the job's threads, one call at a time; what a method
    raises is logged. It may stop the context, and must not wait for it."""

    def onStreamingStarted(self, streamingStarted):
        """What a crash left is recovered, and sources are about to be opened."""

    def onReceiverStarted(self, receiverStarted):
        """A source is open. receiverStarted.receiverInfo()"""

    def onReceiverError(self, receiverError):
        """A source has failed, and goes on by itself. receiverError.receiverInfo()"""

    def onReceiverStopped(self, receiverStopped):
        """A source has ended. receiverStopped.receiverInfo()"""

    def onBatchSubmitted(self, batchSubmitted):
        """A batch is cut. batchSubmitted.batchInfo()"""

    def onBatchStarted(self, batchStarted):
        """A batch runs. batchStarted.batchInfo()"""

    def onBatchCompleted(self, batchCompleted):
        """A batch is complete, its outputs included. batchCompleted.batchInfo()"""

    def onOutputOperationStarted(self, outputOperationStarted):
        """An output runs. outputOperationStarted.outputOperationInfo()"""

    def onOutputOperationCompleted(self, outputOperationCompleted):
        """An output has run. outputOperationCompleted.outputOperationInfo()"""


def heard_by(listener):
    """`listener` as the engine calls it."""

    def hear(event, known):
        if event == "onStreamingStarted":
            info = _Info(known)
        elif event.startswith("onReceiver"):
            info = _Event("receiverInfo", ReceiverInfo(known))
        elif event.startswith("onBatch"):
            info = _Event("batchInfo", BatchInfo(known))
        else:
            info = _Event("outputOperationInfo", OutputOperationInfo(known))
        getattr(listener, event)(info)

    return hear
