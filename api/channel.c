#include "api/channel.h"

#include "api/registry_text.h"

#define A_URL "an address like https://hooks.example.com/usage, without user, password and fragment"
#define AN_ADDRESS "an address like ops@example.com"
enum { ADDRESS_MAX = 254, LOCAL_MAX = 64 };

static const char *const kinds[] = {"webhook", "email", NULL};

#define AT(member) .offset = offsetof(struct channel, member)

static const struct item_field fields[] = {
    {"id", ITEM_NAME, AT(id), .is_needed = true},
    {"name", ITEM_TEXT, AT(name)},
    {"organization", ITEM_ORGANIZATION, AT(organization)},
    {"kind", ITEM_WORD, AT(kind), .is_needed = true, .words = kinds},
    {"target", ITEM_NAME, AT(target), .is_needed = true, .most = CHANNEL_TARGET_MAX, .allowed = A_URL "|" AN_ADDRESS},
    {"minLevel", ITEM_PERCENT, AT(min_level), .most = CHANNEL_LEVEL_MAX},
    {"system", ITEM_FLAG, AT(system)},
    {"secret", ITEM_TEXT, AT(secret), .is_ours = true, .is_secret = true},
};

/* Nothing that is not a visible character of ASCII, so that neither a header nor a log can be broken by it. */
static bool is_visible(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`{|}", *text) != NULL)
            return false;
    return true;
}

static bool is_url(const char *text)
{
    if (!is_visible(text))
        return false;
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED, NULL);
    if (uri == NULL || g_uri_get_userinfo(uri) != NULL || g_uri_get_fragment(uri) != NULL)
        return false;
    const char *scheme = g_uri_get_scheme(uri), *host = g_uri_get_host(uri);
    return (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0) && host != NULL && host[0] != '\0' &&
           g_uri_get_port(uri) != 0;
}

static bool is_domain(const char *text)
{
    g_auto(GStrv) labels = g_strsplit(text, ".", -1);
    for (char **label = labels; *label != NULL; label++)
        if ((*label)[0] == '\0' || (*label)[0] == '-' || strlen(*label) > 63 ||
            strspn(*label, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-") != strlen(*label))
            return false;
    return labels[0] != NULL;
}

/* RFC 5321's Mailbox without quoted local parts and literal addresses. */
static bool is_address(const char *text)
{
    const char *at = strchr(text, '@');
    if (at == NULL || at == text || at - text > LOCAL_MAX || strlen(text) > ADDRESS_MAX || !is_visible(text))
        return false;
    g_autofree char *local = g_strndup(text, (gsize)(at - text));
    return strpbrk(local, "(),:;[]") == NULL && local[0] != '.' && !g_str_has_suffix(local, ".") && strstr(local, "..") == NULL &&
           is_domain(at + 1);
}

static const struct item_field *refuse(const char *field, const char *why, const char **allowed)
{
    *allowed = why;
    return item_field_named(&channel_shape, field);
}

static const struct item_field *check(const void *item, const char **allowed)
{
    const struct channel *channel = item;
    if (channel->kind == CHANNEL_WEBHOOK && !is_url(channel->target))
        return refuse("target", A_URL, allowed);
    if (channel->kind == CHANNEL_EMAIL && !is_address(channel->target))
        return refuse("target", AN_ADDRESS, allowed);
    if (channel->system && channel->organization != NULL)
        return refuse("system", "false for the channel of one organization", allowed);
    return NULL;
}

const struct item_shape channel_shape = {
    .size = sizeof(struct channel), .fields = fields, .n_fields = G_N_ELEMENTS(fields), .check = check};

const char *channel_kind_name(enum channel_kind kind)
{
    return kinds[kind];
}

void channel_id_make(enum channel_kind kind, char out[CHANNEL_ID_SIZE])
{
    registry_token_id(out, kind == CHANNEL_WEBHOOK ? 'w' : 'm');
}

void channel_secret_make(char out[CHANNEL_SECRET_SIZE])
{
    registry_random_text("whsec_", out, CHANNEL_SECRET_SIZE);
}
