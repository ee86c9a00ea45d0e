"""The page: server-rendered, working without JavaScript, asking nobody else for anything.

::

    app.py           the routes, the order of the middleware, what becomes of an error
    security.py      which Host may ask, and the headers that every answer carries
    listing.py       the list of articles and its form
    pages.py         the other pages, one handler each: question → view → template
    templating.py    Jinja2, set to escape everything
    parameters.py    a query string → an ArticleFilter, or what is wrong with it   (pure)
    views.py, source_views.py, topic_views.py
                     records → what a template shows                               (pure)
    explain.py       why an article carries its topics                             (pure)
    highlight.py     evidence → marked pieces of text                              (pure)
    presentation.py  dates, numbers, links and colours as people read them         (pure)
    api/             everything for programs, as JSON
    feeds.py, feeds_*.py
                     every topic and every query as Atom, RSS and JSON Feed
    access.py        who asks: tokens, who signed in, this machine
    rules.py, rates.py, problems.py, answers.py, addresses.py
                     what the settings say of programs; how often they may ask; what they are told when it
                     fails; what need not be sent twice; our own addresses
    health.py        /healthz and /readyz
    server.py        uvicorn in a thread of its own
    templates/  static/
"""
