"""Foreign recordings in: one reader for each format, one description of what a file holds, one way to a `Recording`.

A reader (`edf`, `hdf5`, `matlab`, `arrays`, `text`, `xdf`) says in a `Found` which columns its file has. A `Mapping`
says which of the columns are channels, labels and so on. `gather` turns both into the arrays of a recording.
"""
