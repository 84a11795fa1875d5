from tuner.study.chronicle import Chronicle


def test_the_result_that_counts_is_of_the_lowest_attempt_that_ended_the_trial(log):
    log.proposed("s-0-0")
    for attempt, outcome in [(3, "Completed"), (1, "NextSegment"), (2, "Completed"), (4, "Failed")]:
        log.result("s-0-0", attempt=attempt, outcome=outcome, loss=float(attempt))
    log.proposed("s-0-1", number=1)
    log.result("s-0-1", outcome="NextSegment")
    for records in (log.records, log.records[::-1], [*log.records, *log.records]):
        chronicle = Chronicle()
        chronicle.add(records)
        accepted = chronicle.story("s-0-0").accepted
        assert (accepted.attempt, accepted.metrics["loss"]) == (2, 2.0)
        assert chronicle.story("s-0-1").accepted is None
