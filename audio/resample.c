#include "audio/resample.h"

#include <errno.h>
#include <speex/speex_resampler.h>
#include <stdlib.h>

enum { QUALITY = 3 };

struct resampler {
	SpeexResamplerState *state;
	unsigned from_hz, to_hz;
};

int resampler_open(struct resampler **out, unsigned from_hz, unsigned to_hz)
{
	struct resampler *r = calloc(1, sizeof *r);
	int err = RESAMPLER_ERR_SUCCESS;

	*out = NULL;
	if (!r)
		return -ENOMEM;
	r->from_hz = from_hz;
	r->to_hz = to_hz;
	r->state = speex_resampler_init(1, from_hz, to_hz, QUALITY, &err);
	if (!r->state) {
		free(r);
		return err == RESAMPLER_ERR_ALLOC_FAILED ? -ENOMEM : -EINVAL;
	}
	resampler_reset(r);
	*out = r;
	return 0;
}

void resampler_close(struct resampler *r)
{
	if (!r)
		return;
	speex_resampler_destroy(r->state);
	free(r);
}

size_t resampler_max(const struct resampler *r, size_t len)
{
	return len * r->to_hz / r->from_hz + 2;
}

size_t resampler_run(struct resampler *r, const int16_t *in, size_t len, int16_t *out)
{
	size_t written = 0;

	/* Its lengths are 32 bit and it may stop early, so believe what it returns. */
	while (len) {
		spx_uint32_t used = (spx_uint32_t)(len > 4096 ? 4096 : len);
		spx_uint32_t made = (spx_uint32_t)resampler_max(r, used);

		if (speex_resampler_process_int(r->state, 0, in, &used, out + written, &made) || (!used && !made))
			break;
		in += used;
		len -= used;
		written += made;
	}
	return written;
}

size_t resampler_held(const struct resampler *r)
{
	return (size_t)speex_resampler_get_input_latency(r->state);
}

void resampler_reset(struct resampler *r)
{
	speex_resampler_reset_mem(r->state);
	/* Else the filter's delay would come out as silence before the first sample. */
	speex_resampler_skip_zeros(r->state);
}
