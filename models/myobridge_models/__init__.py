"""The torch side of myobridge: networks, training, evaluation, export."""
