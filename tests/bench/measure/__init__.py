"""The parts of tests/bench/run.

process    processes whose CPU time and memory are read; the daemons
stage      a scheduler and an agent on names of their own
lanes      things that are measured in turn, and what comes of the turns
report     figures: the table, the JSON file, the change since another one
world      what every case is given
path       cases: calls through the whole path, beside the bare AMQP echo
crowd      emulated agents
peers      Celery and Gearman, where they are installed
fleet      cases: many agents, sick ones, many jobs in flight
programs   cases that are programs of their own
"""
