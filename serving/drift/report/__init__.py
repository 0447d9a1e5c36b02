"""What detectors found, told to people and machines: records, their JSON twin, one HTML page.

Rule: everything is worked out from results, references and columns that are handed over; nothing
is read, written or looked up here, and no server is needed. `drift.report_records` says what a
report holds, `window_record` makes a record of a window, `report_page` and `report_records.dump`
write equal numbers.
"""
