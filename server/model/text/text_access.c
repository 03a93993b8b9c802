#include "server/model/text/text_access.h"

#include <string.h>
#include <strings.h>

void text_access_put_url(const struct config *cfg, struct buf *out)
{
	const char *host = strstr(cfg->openai_url, "://"), *path;

	if (*cfg->text_api_url) {
		buf_puts(out, cfg->text_api_url);
		return;
	}
	/* Azure's paths begin with /openai. */
	host = host ? host + 3 : cfg->openai_url;
	path = host + strcspn(host, "/?");
	buf_printf(out, "https://%.*s%s/v1/%s", (int)(path - host), host,
	    strncmp(path, "/openai/", 8) == 0 ? "/openai" : "",
	    cfg->text_api == TEXT_API_CHAT ? "chat/completions" : "responses");
}

/* The guess of the realtime model's access (access.c), for this host. */
static bool is_azure(const char *url)
{
	static const char suffix[] = ".openai.azure.com";
	const char *host = strstr(url, "://");
	size_t len, n = strlen(suffix);

	host = host ? host + 3 : url;
	len = strcspn(host, ":/?");
	return len > n && strncasecmp(host + len - n, suffix, n) == 0;
}

size_t text_access_put_headers(const struct config *cfg, struct buf *out)
{
	size_t count = 2;
	struct buf url;
	bool api_key;

	buf_init(&url, 0);
	text_access_put_url(cfg, &url);
	api_key = cfg->openai_auth == OPENAI_AUTH_API_KEY ||
		  (cfg->openai_auth == OPENAI_AUTH_AUTO && is_azure(buf_text(&url)));
	buf_free(&url);
	buf_puts(out, "Content-Type: application/json");
	buf_putc(out, '\0');
	buf_printf(out, "%s%s", api_key ? "api-key: " : "Authorization: Bearer ",
	    *cfg->text_api_key ? cfg->text_api_key : cfg->openai_api_key);
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
