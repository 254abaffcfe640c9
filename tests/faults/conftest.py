"""The soak runs beside the other tests: it starts with its first test and is judged after all others."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("judged_last") is not None)
