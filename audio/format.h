#ifndef AUDIO_FORMAT_H
#define AUDIO_FORMAT_H
/* The formats a model may speak; the phone's is always the first. */

enum audio_format {
	AUDIO_PCMU, /* mu-law, 8 kHz: 8 bytes per ms */
	AUDIO_PCMA, /* A-law, 8 kHz: 8 bytes per ms */
	AUDIO_PCM   /* signed 16-bit little-endian, 24 kHz: 48 bytes per ms */
};

#endif
