"""Tables from and for people: CSV and XLSX in, with limits and all problems at once, and out again.

Readers turn both formats into one :class:`~toolkit.tabular.table.Table`; column names become
canonical fields in :mod:`toolkit.tabular.columns`; writers produce files a spreadsheet cannot
misread. XLSX libraries are imported only where a workbook is really read or written.
"""
