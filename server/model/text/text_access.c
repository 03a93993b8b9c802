#include "server/model/text/text_access.h"

#include "server/model/access.h"

#include <string.h>
#include <strings.h>

void text_access_put_place(const struct config *cfg, const char *own, const char *path, struct buf *out)
{
	const char *host = strstr(cfg->openai_url, "://"), *rest;

	if (*own) {
		buf_puts(out, own);
		return;
	}
	/* Azure's paths begin with /openai. */
	host = host ? host + 3 : cfg->openai_url;
	rest = host + strcspn(host, "/?");
	buf_printf(out, "https://%.*s%s/v1/%s", (int)(rest - host), host,
	    strncmp(rest, "/openai/", 8) == 0 ? "/openai" : "", path);
}

void text_access_put_url(const struct config *cfg, struct buf *out)
{
	text_access_put_place(
	    cfg, cfg->text_api_url, cfg->text_api == TEXT_API_CHAT ? "chat/completions" : "responses", out);
}

static bool is_azure(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return model_host_is_azures(host, strcspn(host, ":/?"));
}

size_t text_access_put_key(const struct config *cfg, const char *url, const char *key, struct buf *out)
{
	bool api_key =
	    cfg->openai_auth == OPENAI_AUTH_API_KEY || (cfg->openai_auth == OPENAI_AUTH_AUTO && is_azure(url));
	size_t count = 1;

	buf_printf(out, "%s%s", api_key ? "api-key: " : "Authorization: Bearer ", *key ? key : cfg->openai_api_key);
	buf_putc(out, '\0');
	if (*cfg->openai_organization) {
		buf_printf(out, "OpenAI-Organization: %s", cfg->openai_organization);
		buf_putc(out, '\0');
		count++;
	}
	if (*cfg->openai_project) {
		buf_printf(out, "OpenAI-Project: %s", cfg->openai_project);
		buf_putc(out, '\0');
		count++;
	}
	return count;
}

size_t text_access_put_headers(const struct config *cfg, struct buf *out)
{
	struct buf url;
	size_t count;

	buf_puts(out, "Content-Type: application/json");
	buf_putc(out, '\0');
	buf_init(&url, 0);
	text_access_put_url(cfg, &url);
	count = 1 + text_access_put_key(cfg, buf_text(&url), cfg->text_api_key, out);
	buf_free(&url);
	return count;
}
