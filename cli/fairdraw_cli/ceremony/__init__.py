"""The ceremony (现场抽取): one draw before a hall, with a page to project and a page to operate it."""
