"""The rules of crontab-seconds, timecloud and crontab written down once more, as plainly as their
descriptions are, and searched by trying every day and every time of it. Slow, and on purpose unlike
common/schedule: sets instead of bits, zoneinfo instead of a table of our own.

Daylight saving: a local time that does not exist has no instant, or the first one after the gap; one
that comes twice has its first instant, or both."""

import bisect
import datetime
import functools
import zoneinfo

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()
UTC = datetime.timezone.utc


class Refused(Exception):
    pass


class Dialect:
    """names: name -> value as it is written; open_step: "n/s" goes on to the end of the field."""

    def __init__(self, fields, counts, months, weekdays, marks, open_step, both, gap, fold):
        self.fields, self.counts, self.months, self.weekdays = fields, counts, months, weekdays
        self.marks, self.open_step, self.both, self.gap, self.fold = marks, open_step, both, gap, fold


TIME = [(0, 59), (0, 59), (0, 23), (1, 31)]
PLAIN_MONTHS = {name: i + 1 for i, name in enumerate(MONTHS)}
PLAIN_WEEKDAYS = {name: i for i, name in enumerate(WEEKDAYS)}

DIALECTS = {
    "crontab": Dialect(TIME + [(1, 12), (0, 7)], {5}, PLAIN_MONTHS, PLAIN_WEEKDAYS, "*", True, False, "first", "once"),
    "crontab-seconds": Dialect(TIME + [(1, 12), (0, 6)], {5, 6}, PLAIN_MONTHS, PLAIN_WEEKDAYS, "*?", True, False,
                               "skip", "twice"),
    # Months from 0, day 0 is Monday, both day fields must match, "n/s" is n.
    "timecloud": Dialect(TIME + [(0, 11), (0, 6)], {5, 6}, {name: i for i, name in enumerate(MONTHS)},
                         {name: (i - 1) % 7 for i, name in enumerate(WEEKDAYS)}, "*", False, True, "first", "once"),
}

MACROS = {"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
          "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *"}


def number(text, low, high, names):
    if text.lower() in names:
        return names[text.lower()]
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise Refused(text)
    return int(text)


def expand(text, low, high, names, dialect):
    """-> the set of values, and whether a part of it began with a star."""
    values, star = set(), False
    for part in text.split(","):
        body, slash, step = part.partition("/")
        if slash and (not step.isascii() or not step.isdigit() or int(step) < 1):
            raise Refused(part)
        if body in tuple(dialect.marks):
            first, last, star = low, high, True
        else:
            left, dash, right = body.partition("-")
            first = last = number(left, low, high, names)
            if dash:
                last = number(right, low, high, names)
            elif slash and dialect.open_step:
                last = high
            if last < first:
                raise Refused(part)
        values.update(range(first, last + 1, int(step) if slash else 1))
    return values, star


class Rule:
    def __init__(self, name, text):
        dialect = DIALECTS[name]
        if text.strip() in MACROS and name != "timecloud":
            text, dialect = MACROS[text.strip()], DIALECTS["crontab"]
        words = text.split()
        if len(words) not in dialect.counts:
            raise Refused("fields")
        words = ["0"] * (6 - len(words)) + words
        sets = []
        for i, (word, (low, high)) in enumerate(zip(words, dialect.fields)):
            names = {4: dialect.months, 5: dialect.weekdays}.get(i, {})
            sets.append(expand(word, low, high, names, dialect))
        (self.seconds, _), (self.minutes, _), (self.hours, _), (self.days, day_star) = sets[:4]
        (months, _), (weekdays, weekday_star) = sets[4:]
        self.months = {m + 1 for m in months} if name == "timecloud" else months
        # -> Python's: Monday is 0
        self.weekdays = weekdays if name == "timecloud" else {(d - 1) % 7 for d in weekdays}
        self.both = dialect.both or day_star or weekday_star
        beat = self.hours == set(range(24))
        self.gap = "skip" if beat else DIALECTS[name].gap
        self.fold = "twice" if beat else DIALECTS[name].fold

    def has_day(self, date):
        if date.month not in self.months:
            return False
        by_day, by_week = date.day in self.days, date.weekday() in self.weekdays
        return by_day and by_week if self.both else by_day or by_week

    def times(self):
        """Seconds of the day, ascending."""
        seconds, minutes = sorted(self.seconds), sorted(self.minutes)
        return [h * 3600 + m * 60 + s for h in sorted(self.hours) for m in minutes for s in seconds]


@functools.lru_cache(maxsize=None)
def zone(name):
    return zoneinfo.ZoneInfo(name)


def offset_at(tz, unix):
    return int(datetime.datetime.fromtimestamp(unix, tz).utcoffset().total_seconds())


def start_of_span(tz, before, after):
    """The instant between the two at which the offset changes."""
    low, high = before, after
    base = offset_at(tz, low)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(tz, middle) == base:
            low = middle
        else:
            high = middle
    return high


def instants(tz, local, gap, fold):
    naive = local.replace(tzinfo=UTC).timestamp()
    found = []
    for f in (0, 1):
        unix = int(naive - local.replace(tzinfo=tz, fold=f).utcoffset().total_seconds())
        if unix + offset_at(tz, unix) == naive and unix not in found:
            found.append(unix)
    if not found and gap == "first":
        later = int(naive - local.replace(tzinfo=tz, fold=0).utcoffset().total_seconds())
        earlier = int(naive - local.replace(tzinfo=tz, fold=1).utcoffset().total_seconds())
        return [start_of_span(tz, min(earlier, later) - 1, max(earlier, later) + 1)]
    return sorted(found)[: 1 if fold == "once" else 2]


def day_instants(tz, date, times, gap, fold):
    start = datetime.datetime(date.year, date.month, date.day)
    return {unix for t in times for unix in instants(tz, start + datetime.timedelta(seconds=t), gap, fold)}


def next_instants(rule, zone_name, after, count, days, gap="default", fold="default"):
    """Up to `count` instants after `after`, of the `days` days from there."""
    tz = zone(zone_name)
    gap = rule.gap if gap == "default" else gap
    fold = rule.fold if fold == "default" else fold
    date = datetime.datetime.fromtimestamp(after, tz).date() - datetime.timedelta(days=2)
    times, found = rule.times(), []  # found: ascending, each once
    for _ in range(days + 2):
        # A day may reach over its neighbours by a fold or a gap; two days more settle the order.
        if len(found) >= count and found[count - 1] < datetime.datetime(date.year, date.month, date.day, tzinfo=UTC).timestamp() - 2 * 86400:
            break
        if rule.has_day(date):
            day = day_instants(tz, date, near(times, date, after, count, tz), gap, fold)
            found = sorted({unix for unix in day if unix > after}.union(found))[: count + 1]
        date += datetime.timedelta(days=1)
    return found[:count]


def near(times, date, after, count, tz):
    """A rule for every second has 86400 times a day: those that cannot be among the first `count`
    are left out, generously where the clocks change."""
    start = int(datetime.datetime(date.year, date.month, date.day, tzinfo=UTC).timestamp())
    changes = offset_at(tz, start - 86400) != offset_at(tz, start + 2 * 86400)
    if len(times) < 50 or (changes and len(times) < 2000):
        return times
    local = after + offset_at(tz, after) - start
    # A gap may take up to the first hours of the day.
    since, until = (local - 5 * 3600, max(local + 7 * 3600, 4 * 3600)) if changes else (local, local)
    return times[bisect.bisect_left(times, since): bisect.bisect_right(times, until) + count + 1]
