"""The soak passes beside the other tests: it begins with its first test and is judged after all others."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("judged_last") is not None)
