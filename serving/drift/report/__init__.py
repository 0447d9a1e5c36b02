"""What detectors found, told to people and machines: records, their JSON twin, one HTML page.

Rule: everything is worked out from results, references and columns that are handed over; nothing
is read, written or looked up here, and no server is needed. `drift.records` says what a report
holds, `describe` makes a record of a window, `page` and `records.dump` write equal numbers.
"""
