"""What each side does with its questions: it prints one JSON object for each, with seconds and answer."""

import json
import time


def told(**facts):
    print(json.dumps(facts), flush=True)


def ask(question, work, times=3):
    """Ask a question several times. The best time counts: caches of files and of the library are warm by then."""
    best, answer = float("inf"), None
    for _ in range(times):
        started = time.perf_counter()
        answer = work()
        best = min(best, time.perf_counter() - started)
    told(question=question, seconds=best, answer=answer)


def ask_many(question, work, seconds=0.5, check=False):
    """Ask what takes microseconds, for as long as so many seconds, and tell the time of one call."""
    work()
    calls, started = 0, time.perf_counter()
    while calls < 10 or (not check and time.perf_counter() - started < seconds):
        work()
        calls += 1
    told(question=question, seconds=(time.perf_counter() - started) / calls, answer=None)
