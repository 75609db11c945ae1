"""From rows to objects.

Read in this order: `result` (a cursor and a plan become a Result), `assemble` (the columns of one
batch of rows become objects linked to each other), `populate` (one entity of the batch),
`row_loader` (the functions generated for it), `follow_up` (SELECTs to run once rows are in),
`identity` (load or refresh one object by its key), `on_demand` (an unloaded attribute was touched)
and `strategies` (how each attribute is loaded). Called by `sessions`; never imports `unitofwork`.
"""
