"""A component that answers what it is told to, by pika on a thread of its own."""

import json
import threading

import pika


class FakeComponent:
    """Consumes the queue of a component. answers: {action: mqbody, or a function of the mqbody}."""

    def __init__(self, services, exchange, name, answers):
        self.answers = answers
        self.asked = []  # (action, mqbody)
        self.connection = pika.BlockingConnection(services.mq_parameters())
        channel = self.channel = self.connection.channel()
        channel.exchange_declare(exchange, "topic", durable=True)
        self.queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(self.queue, exchange, f"*.{name}")
        channel.basic_consume(self.queue, self._on_message, auto_ack=True)
        self.thread = threading.Thread(target=channel.start_consuming, daemon=True)
        self.thread.start()

    def _on_message(self, channel, _method, properties, body):
        message = json.loads(body)
        sender, name, action = message["mqkey"].split(".")
        self.asked.append((action, message["mqbody"]))
        answer = self.answers.get(action)
        if callable(answer):
            answer = answer(message["mqbody"])
        if answer is None:
            return
        reply = {"mqkey": f"{name}.{sender}", "mqflag": "cast", "mqtype": "cast", "mqbody": answer}
        channel.basic_publish(
            "",
            properties.reply_to,
            json.dumps(reply).encode(),
            pika.BasicProperties(correlation_id=properties.correlation_id),
        )

    def close(self):
        self.connection.add_callback_threadsafe(self.channel.stop_consuming)
        self.thread.join(10)
        self.connection.close()
