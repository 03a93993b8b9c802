#ifndef KIT_G711_H
#define KIT_G711_H
/* What sound is on the wire: G.711 both ways, and 16-bit samples. The stand-ins'
 * own: decoding by the standard's arithmetic, encoding by the nearest value, so
 * that it can disagree with the bridge's.
 */
#include <stddef.h>
#include <stdint.h>

enum sound_format { FORMAT_PCMU, FORMAT_PCMA, FORMAT_PCM24 };
enum { FORMATS = 3, MULAW_SILENCE = 0xFF };

const char *format_name(enum sound_format format); /* "audio/pcmu" … */
int format_rate(enum sound_format format);         /* samples a second */
int format_bytes_per_ms(enum sound_format format);

/* Bytes on the wire to samples at the format's own rate; how many samples.
 * `out` holds as many samples as there are bytes. An odd last byte of PCM is
 * dropped. */
size_t format_decode(enum sound_format format, const uint8_t *in, size_t len, int16_t *out);

/* Samples at the format's rate to bytes; how many bytes. */
size_t format_encode(enum sound_format format, const int16_t *in, size_t count, uint8_t *out);

#endif
