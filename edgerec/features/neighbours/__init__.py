"""Item-item weights: how much having one item says for another.

Three tables, each cut to the best few items per item and learned on training interactions alone:
"liked" and "taken" by ridge regression (`ease`), "next" by what users took soon afterwards
(`successors`). Items that are too many for a regression have cosines (`cosine`, `beyond`).
`columns` sums a candidate's weights over the history.
"""
