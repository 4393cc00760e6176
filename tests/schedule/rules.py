"""Random rules of each dialect: mostly right ones, some wrong ones."""

import random

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()
MONDAY_FIRST = WEEKDAYS[1:] + WEEKDAYS[:1]


class Field:
    def __init__(self, low, high, names=None, first=0):
        self.low, self.high, self.names, self.first = low, high, names, first


SECOND = MINUTE = Field(0, 59)
HOUR = Field(0, 23)
DAY = Field(1, 31)


def any_case(rng, word):
    return rng.choice([word, word.lower(), word.capitalize()])


def value(rng, field):
    number = rng.randint(field.low, field.high)
    if field.names and rng.random() < 0.3 and 0 <= number - field.first < len(field.names):
        return any_case(rng, field.names[number - field.first])
    return str(number)


def ascending(rng, field):
    low, high = sorted(rng.randint(field.low, field.high) for _ in range(2))
    if field.names and rng.random() < 0.2 and high - field.first < len(field.names) and low >= field.first:
        return any_case(rng, field.names[low - field.first]) + "-" + any_case(rng, field.names[high - field.first])
    return "%d-%d" % (low, high)


def step(rng, field):
    return str(rng.randint(1, max(2, (field.high - field.low + 1) // rng.choice([1, 2, 4]))))


def item(rng, field):
    kind = rng.random()
    if kind < 0.5:
        return value(rng, field)
    if kind < 0.7:
        return ascending(rng, field)
    if kind < 0.8:
        low, high = sorted(rng.randint(field.low, field.high) for _ in range(2))
        return "%d-%d/%s" % (low, high, step(rng, field))
    if kind < 0.9:
        return "*/" + step(rng, field)
    return "%d/%s" % (rng.randint(field.low, field.high), step(rng, field))


def text(rng, field, star=0.4):
    if rng.random() < star:
        return "*"
    return ",".join(item(rng, field) for _ in range(rng.choice([1, 1, 1, 1, 2, 3])))


class Spoiled(str):
    """Something that a dialect may or may not take."""


def spoil(rng, rule):
    return rule if rng.random() > 0.06 else Spoiled(spoiled(rng, rule))


def spoiled(rng, rule):
    at = rng.randrange(len(rule) + 1)
    kind = rng.random()
    if kind < 0.4:
        return rule[:at] + rng.choice("0123456789*/-,?LW#C @") + rule[at:]
    if kind < 0.7:
        return rule[:at] + rule[at + 1:]
    words = rule.split()
    words[rng.randrange(len(words))] = rng.choice(["60", "0", "24", "32", "13", "8", "7", "L", "?", "*/0", "5-1", "1-", "JAN", "SUN"])
    return " ".join(words)


def crontab(rng):
    dow = Field(0, 7, WEEKDAYS, 0)
    month = Field(1, 12, MONTHS, 1)
    return spoil(rng, " ".join([text(rng, MINUTE), text(rng, HOUR), text(rng, DAY, 0.6), text(rng, month, 0.7), text(rng, dow, 0.6)]))


def crontab_seconds(rng):
    if rng.random() < 0.02:
        return "@" + rng.choice(["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"])
    dow = Field(0, 6, WEEKDAYS, 0)
    month = Field(1, 12, MONTHS, 1)
    words = [text(rng, MINUTE), text(rng, HOUR), text(rng, DAY, 0.6), text(rng, month, 0.7), text(rng, dow, 0.6)]
    words = [rng.choice("**?") if word == "*" else word for word in words]
    if rng.random() < 0.8:
        words.insert(0, text(rng, SECOND, 0.2))
    return spoil(rng, " ".join(words))


def timecloud(rng):
    dow = Field(0, 6, MONDAY_FIRST, 0)
    month = Field(0, 11, MONTHS, 0)
    words = [text(rng, MINUTE), text(rng, HOUR), text(rng, DAY, 0.6), text(rng, month, 0.7), text(rng, dow, 0.6)]
    if rng.random() < 0.8:
        words.insert(0, text(rng, SECOND, 0.2))
    return spoil(rng, " ".join(words))


def wrapping(rng, field, star=0.4):
    if rng.random() < 0.1:
        return "%d-%d" % (rng.randint(field.low, field.high), rng.randint(field.low, field.high))
    if rng.random() < 0.03:
        return "/" + step(rng, field)
    return text(rng, field, star)


def quartz_days(rng):
    """"L-28W" and more are left out: Quartz looks for them in February for ever."""
    if rng.random() < 0.5:
        kind = rng.random()
        if kind < 0.6:
            return wrapping(rng, DAY), "?"
        return rng.choice(["L", "LW", "L-%d" % rng.randint(0, 31), "L-%dW" % rng.randint(0, 27),
                           "%dW" % rng.randint(1, 31), "%dC" % rng.randint(1, 31)]), "?"
    dow = Field(1, 7, WEEKDAYS, 1)
    kind = rng.random()
    if kind < 0.6:
        return "?", wrapping(rng, dow)
    return "?", rng.choice(["L", value(rng, dow) + "L", value(rng, dow) + "#%d" % rng.randint(1, 5),
                            "%d,%d#%d" % (rng.randint(1, 7), rng.randint(1, 7), rng.randint(1, 5)),
                            "%dC" % rng.randint(1, 7)])


def quartz(rng):
    month = Field(1, 12, MONTHS, 1)
    words = [wrapping(rng, SECOND, 0.1), wrapping(rng, MINUTE), wrapping(rng, HOUR), *quartz_days(rng)]
    words.insert(4, wrapping(rng, month, 0.7))
    if rng.random() < 0.15:
        words.append(rng.choice(["*", "2026", "2030-2033", "2026/3", "2027,2031", "*/4", "2099"]))
    return spoil(rng, " ".join(words))


GENERATORS = {"crontab": crontab, "crontab-seconds": crontab_seconds, "timecloud": timecloud, "quartz": quartz}


def rules(dialect, count, seed):
    rng = random.Random("%s %d" % (dialect, seed))
    return [GENERATORS[dialect](rng) for _ in range(count)]
