"""Things that are measured in turn, so that a machine that drifts spoils no ratio between them."""

import statistics


def take_turns(lanes, rounds):
    """lanes: name -> function that measures once. Returns name -> list of what it returned."""
    results = {name: [] for name in lanes}
    for _ in range(rounds):
        for name, measure in lanes.items():
            results[name].append(measure())
    return results


def median(results, key):
    return statistics.median(result[key] for result in results)


def ratio(results, others, key):
    """The median of the ratios of each round."""
    return statistics.median(
        result[key] / max(other[key], 1e-9) for result, other in zip(results, others)
    )
