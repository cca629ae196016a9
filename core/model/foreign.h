/* Files of another format, given by mistake. Private to the document. */
#ifndef NEAP_MODEL_FOREIGN_H
#define NEAP_MODEL_FOREIGN_H

/* What the text may be instead of JSON (YAML, a script, a vault, XML, INI), as a hint; NULL if it may be JSON. */
const char *foreign_hint(const char *text);

#endif
