"""``/api/v1/``: everything that can be asked, for programs.

::

    operations.py    what an operation is: its parameters, its answer, who may do it
    parameters.py    parameters that say what they take, and read it                  (pure)
    schemas.py       what answers look like, as JSON Schema                           (pure)
    articles.py, changes.py, figures.py, sources.py, verdicts.py
                     the operations: a question to ``models``, its answer as JSON
    resource.py      one address: who may, how often, which method, what goes wrong
    openapi.py       the operations → an OpenAPI document                             (pure)
    routes.py        all of it as routes of the application

Operations are declared once; routes, checks, the OpenAPI document and the page of documentation are made of
the declarations, so that none of them can say what the others do not.
"""
