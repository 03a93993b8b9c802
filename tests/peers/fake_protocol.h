#ifndef TESTS_FAKE_PROTOCOL_H
#define TESTS_FAKE_PROTOCOL_H
/* The second body of struct model_protocol: a message is a line of words.
 *
 *   said      configure ID FORMAT whole|plain    turns ID open|deaf    hear BYTES FIRST-TWO
 *             item ID caller|agent|note TEXT [after ITEM]   ask ID       greet|say ID told|exact TEXT
 *             cancel ID RESPONSE                 heard-until ID ITEM MS
 *             result ID CALL TEXT                approve ID MCP yes|no
 *   told      created SESSION                    ready SESSION [MISMATCH]
 *             speech|silence ITEM MS             turn ITEM             words ITEM TEXT
 *             begun|sign RESPONSE                audio RESPONSE ITEM BASE64 (in quotes, to be decoded)
 *             made|text RESPONSE ITEM [TEXT]     call RESPONSE CALL NAME ARGUMENTS
 *             over RESPONSE completed|cancelled|incomplete|failed [turn]
 *             error harmless|retry|renew|fatal REFUSED-ID|- [busy]     noise
 *
 * The reason of a Close is the name of its class. A test that needs other facts
 * copies the table and changes them.
 */
#include "server/model/protocol.h"

extern const struct model_protocol fake_protocol;

#endif
