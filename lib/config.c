/* Sources are read in the order of precedence into one map "section.key" -> setting, every value through one door (assign), so
 * that a mistake is found and worded the same wherever it stands. Mistakes are collected as lines; nothing stops at the first. */
#include "lib/config.h"

#include <string.h>

struct setting {
    const struct config_row *row;
    char *text;    /* STRING and CHOICE; of others the text that was parsed */
    gint64 number; /* INT, BOOL */
    char **items;  /* LIST, NULL-terminated */
};

struct config {
    const struct config_table *table;
    GHashTable *settings;  /* "section.key" or "section.instance.key" -> struct setting */
    GHashTable *instances; /* "follow" -> GPtrArray of names, NULL-terminated */
};

/* What is carried along while loading. */
struct loading {
    struct config *config;
    GString *mistakes; /* lines */
};

static GQuark config_error_quark(void)
{
    return g_quark_from_static_string("daybook-config-error");
}

static void mistake(struct loading *loading, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void mistake(struct loading *loading, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *line = g_utf8_make_valid(text, -1);
    /* One line each, whatever names and values hold. */
    for (char *p = line; *p; p++)
        if (g_ascii_iscntrl(*p))
            *p = '?';
    if (loading->mistakes->len > 0)
        g_string_append_c(loading->mistakes, '\n');
    g_string_append(loading->mistakes, line);
}

static void setting_free(void *data)
{
    struct setting *setting = data;
    g_free(setting->text);
    g_strfreev(setting->items);
    g_free(setting);
}

static void names_free(void *data)
{
    g_ptr_array_unref(data);
}

/* ---- values ---- */

static bool suffix_factor(const char *suffix, gint64 *factor)
{
    static const struct {
        const char *suffix;
        gint64 factor;
    } known[] = {{"", 1},
                 {"k", 1000},
                 {"M", 1000000},
                 {"G", 1000000000},
                 {"KiB", G_GINT64_CONSTANT(1) << 10},
                 {"MiB", G_GINT64_CONSTANT(1) << 20},
                 {"GiB", G_GINT64_CONSTANT(1) << 30}};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcmp(known[i].suffix, suffix) == 0) {
            *factor = known[i].factor;
            return true;
        }
    return false;
}

/* Decimal digits with an optional sign and suffix; false on anything else and on overflow. */
static bool parse_int(const char *text, gint64 *number)
{
    bool negative = text[0] == '-';
    const char *digits = text + negative;
    size_t n_digits = strspn(digits, "0123456789");
    gint64 factor;
    if (n_digits == 0 || !suffix_factor(digits + n_digits, &factor))
        return false;
    gint64 value = 0;
    for (size_t i = 0; i < n_digits; i++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digits[i] - '0', &value))
            return false;
    if (__builtin_mul_overflow(value, negative ? -factor : factor, &value))
        return false;
    *number = value;
    return true;
}

static bool parse_bool(const char *text, gint64 *number)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_ascii_strcasecmp(text, words[i]) == 0) {
            *number = i % 2;
            return true;
        }
    return false;
}

static char *parse_choice(const struct config_row *row, const char *text)
{
    g_auto(GStrv) choices = g_strsplit(row->choices, "|", -1);
    for (size_t i = 0; choices[i]; i++)
        if (g_ascii_strcasecmp(choices[i], text) == 0)
            return g_strdup(choices[i]);
    return NULL;
}

static char **parse_list(const char *text)
{
    g_auto(GStrv) raw = g_strsplit(text, ";", -1);
    GPtrArray *items = g_ptr_array_new();
    for (size_t i = 0; raw[i]; i++) {
        char *item = g_strstrip(g_strdup(raw[i]));
        if (item[0])
            g_ptr_array_add(items, item);
        else
            g_free(item);
    }
    g_ptr_array_add(items, NULL);
    return (char **)g_ptr_array_free(items, FALSE);
}

/* What a value of the row may be, as words. Caller frees. */
static char *allowed(const struct config_row *row)
{
    switch (row->type) {
    case CONFIG_INT:
        return g_strdup_printf("a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT "%s%s", row->min, row->max,
                               row->unit ? " " : "", row->unit ? row->unit : "");
    case CONFIG_BOOL:
        return g_strdup("true or false");
    case CONFIG_CHOICE: {
        g_auto(GStrv) choices = g_strsplit(row->choices, "|", -1);
        g_autofree char *joined = g_strjoinv(", ", choices);
        return g_strdup_printf("one of %s", joined);
    }
    case CONFIG_LIST:
        return g_strdup("UTF-8 items separated by ';'");
    case CONFIG_STRING:
        break;
    }
    return g_strdup("UTF-8 text");
}

/* Parses into a new setting, or NULL when the text is not allowed. */
static struct setting *setting_parse(const struct config_row *row, const char *text)
{
    g_autofree char *choice = NULL;
    gint64 number = 0;
    bool ok = g_utf8_validate(text, -1, NULL);
    if (ok && row->type == CONFIG_INT)
        ok = parse_int(text, &number) && number >= row->min && number <= row->max;
    else if (ok && row->type == CONFIG_BOOL)
        ok = parse_bool(text, &number);
    else if (ok && row->type == CONFIG_CHOICE)
        ok = (choice = parse_choice(row, text)) != NULL;
    if (!ok)
        return NULL;
    struct setting *setting = g_new0(struct setting, 1);
    setting->row = row;
    setting->number = number;
    setting->text = choice ? g_steal_pointer(&choice) : g_strdup(text);
    if (row->type == CONFIG_LIST)
        setting->items = parse_list(text);
    return setting;
}

/* A default that its own row does not allow is a bug; a CHOICE may have none, which reads as "". */
static struct setting *setting_default(const struct config_row *row)
{
    const char *text = row->default_value ? row->default_value : "";
    struct setting *setting = setting_parse(row, text);
    if (!setting && row->type == CONFIG_CHOICE && !text[0]) {
        setting = g_new0(struct setting, 1);
        setting->row = row;
        setting->text = g_strdup("");
    }
    if (!setting)
        g_error("setting %s.%s: the default \"%s\" is not allowed by its own row", row->section, row->key, text);
    return setting;
}

/* ---- rows and instances ---- */

static bool is_repeated(const char *section)
{
    return g_str_has_suffix(section, ".*");
}

/* Splits "follow.nginx" by "follow.*": the instance's name, or NULL when the section is another. */
static const char *instance_of(const char *pattern, const char *section)
{
    size_t prefix = strlen(pattern) - 1; /* with the dot */
    return is_repeated(pattern) && strncmp(pattern, section, prefix) == 0 && section[prefix] ? section + prefix : NULL;
}

static bool instance_name_ok(const char *name)
{
    return name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(name);
}

static const struct config_row *find_row(const struct config_table *table, const char *section, const char *key)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct config_row *row = &table->rows[i];
        bool same = strcmp(row->section, section) == 0 && !is_repeated(section);
        if (strcmp(row->key, key) == 0 && (same || instance_of(row->section, section)))
            return row;
    }
    return NULL;
}

static bool section_known(const struct config_table *table, const char *section)
{
    for (size_t i = 0; i < table->n_rows; i++)
        if ((strcmp(table->rows[i].section, section) == 0 && !is_repeated(section)) || instance_of(table->rows[i].section, section))
            return true;
    return false;
}

/* Makes sure that the instance exists, with the defaults of all of its rows. */
static void add_instance(struct config *config, const char *pattern, const char *instance)
{
    g_autofree char *base = g_strndup(pattern, strlen(pattern) - 2);
    GPtrArray *names = g_hash_table_lookup(config->instances, base);
    g_assert(names);
    for (guint i = 0; i + 1 < names->len; i++)
        if (strcmp(names->pdata[i], instance) == 0)
            return;
    g_ptr_array_insert(names, (int)names->len - 1, g_strdup(instance));
    for (size_t i = 0; i < config->table->n_rows; i++) {
        const struct config_row *row = &config->table->rows[i];
        if (strcmp(row->section, pattern) == 0)
            g_hash_table_insert(config->settings, g_strdup_printf("%s.%s.%s", base, instance, row->key), setting_default(row));
    }
}

static void add_defaults(struct config *config)
{
    for (size_t i = 0; i < config->table->n_rows; i++) {
        const struct config_row *row = &config->table->rows[i];
        if (!is_repeated(row->section)) {
            g_hash_table_insert(config->settings, g_strdup_printf("%s.%s", row->section, row->key), setting_default(row));
            continue;
        }
        g_autofree char *base = g_strndup(row->section, strlen(row->section) - 2);
        if (g_hash_table_contains(config->instances, base))
            continue;
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(names, NULL);
        g_hash_table_insert(config->instances, g_steal_pointer(&base), names);
    }
}

/* The one door: a value for section.key from some place ("file x.conf", "--set", "environment NAME"). */
static void assign(struct loading *loading, const char *section, const char *key, const char *value, const char *origin)
{
    const struct config_row *row = find_row(loading->config->table, section, key);
    if (!row) {
        bool known = section_known(loading->config->table, section);
        mistake(loading, "%s: there is no setting %s.%s (unknown %s; --help lists all)", origin, section, key,
                known ? "key" : "section");
        return;
    }
    const char *instance = instance_of(row->section, section);
    if (instance && !instance_name_ok(instance)) {
        mistake(loading, "%s: [%s]: the name after the dot may only hold a-z and 0-9", origin, section);
        return;
    }
    if (instance)
        add_instance(loading->config, row->section, instance);
    struct setting *setting = setting_parse(row, value);
    if (!setting) {
        g_autofree char *want = allowed(row);
        g_autofree char *valid = g_utf8_make_valid(value, -1);
        g_autofree char *shown = row->secret ? g_strdup("(secret)") : g_strescape(valid, NULL);
        mistake(loading, "%s: %s.%s = \"%s\" is not allowed: it must be %s", origin, section, key, shown, want);
        return;
    }
    g_hash_table_replace(loading->config->settings, g_strdup_printf("%s.%s", section, key), setting);
}

/* ---- sources ---- */

static bool line_is_understood(const char *line)
{
    size_t size = strlen(line);
    return size == 0 || line[0] == '#' || (line[0] == '[' && line[size - 1] == ']') ||
           (line[0] != '[' && line[0] != '=' && strchr(line, '=') && g_utf8_validate(line, -1, NULL));
}

/* GLib's own message would show the line, and that may be a secret whose '=' was forgotten: only its number is said. */
static void file_mistake(struct loading *loading, const char *origin, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    size_t i = 0;
    while (lines[i] && line_is_understood(g_strstrip(lines[i])))
        i++;
    if (lines[i])
        mistake(loading, "%s, line %zu: it must be [section], key=value, or a # comment, in UTF-8", origin, i + 1);
    else
        mistake(loading, "%s: it must hold lines [section], key=value and # comments, in UTF-8", origin);
}

static void load_file(struct loading *loading, const char *file)
{
    g_autoptr(GKeyFile) keys = g_key_file_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_autofree char *origin = g_strdup_printf("file %s", file);
    size_t size;
    if (!g_file_get_contents(file, &text, &size, &error)) {
        mistake(loading, "%s: %s", origin, error->message);
        return;
    }
    if (!g_key_file_load_from_data(keys, text, size, G_KEY_FILE_NONE, NULL)) {
        file_mistake(loading, origin, text);
        return;
    }
    g_auto(GStrv) sections = g_key_file_get_groups(keys, NULL);
    for (size_t s = 0; sections[s]; s++) {
        g_auto(GStrv) names = g_key_file_get_keys(keys, sections[s], NULL, NULL);
        if (!section_known(loading->config->table, sections[s])) {
            mistake(loading, "%s: there is no section [%s] (--help lists all settings)", origin, sections[s]);
            continue;
        }
        for (size_t k = 0; names && names[k]; k++) {
            g_autofree char *value = g_key_file_get_value(keys, sections[s], names[k], NULL);
            assign(loading, sections[s], names[k], value ? value : "", origin);
        }
    }
}

/* Does "FOLLOW_NGINX_PATH" name this row? Then writes the section, "follow.nginx". */
static bool environment_matches(const struct config_row *row, const char *name, char **section)
{
    g_autofree char *key = g_ascii_strup(row->key, -1);
    g_autofree char *tail = g_strdup_printf("_%s", key);
    bool repeated = is_repeated(row->section);
    g_autofree char *base = g_strndup(row->section, strlen(row->section) - (repeated ? 2 : 0));
    g_autofree char *head = g_ascii_strup(base, -1);
    for (char *p = head; *p; p++)
        *p = *p == '.' || *p == '-' ? '_' : *p;
    if (!g_str_has_prefix(name, head) || !g_str_has_suffix(name, tail) || strlen(name) < strlen(head) + strlen(tail))
        return false;
    g_autofree char *middle = g_strndup(name + strlen(head), strlen(name) - strlen(head) - strlen(tail));
    if (!repeated) {
        *section = g_strdup(row->section);
        return middle[0] == '\0';
    }
    g_autofree char *instance = g_ascii_strdown(middle[0] == '_' ? middle + 1 : "", -1);
    *section = g_strdup_printf("%s.%s", base, instance);
    return instance_name_ok(instance);
}

static void load_environment_entry(struct loading *loading, const char *entry, const char *prefix)
{
    const char *equals = strchr(entry, '=');
    if (!equals || !g_str_has_prefix(entry, prefix))
        return;
    g_autofree char *full = g_strndup(entry, (size_t)(equals - entry));
    g_autofree char *origin = g_strdup_printf("environment %s", full);
    for (size_t i = 0; i < loading->config->table->n_rows; i++) {
        const struct config_row *row = &loading->config->table->rows[i];
        g_autofree char *section = NULL;
        if (environment_matches(row, full + strlen(prefix), &section)) {
            assign(loading, section, row->key, equals + 1, origin);
            return;
        }
    }
    mistake(loading, "%s: there is no such setting (--help lists all; names are %s<SECTION>_<KEY>)", origin, prefix);
}

static void load_environment(struct loading *loading, char **environment)
{
    g_autofree char *program = g_ascii_strup(loading->config->table->program, -1);
    g_autofree char *prefix = g_strdup_printf("DAYBOOK_%s_", program);
    for (size_t i = 0; environment && environment[i]; i++)
        load_environment_entry(loading, environment[i], prefix);
}

static void load_set(struct loading *loading, const char *set)
{
    const char *equals = strchr(set, '=');
    g_autofree char *name = g_strndup(set, equals ? (size_t)(equals - set) : strlen(set));
    char *dot = strrchr(name, '.');
    if (!equals || !dot) {
        mistake(loading, "--set %s: it must be section.key=value", name);
        return;
    }
    *dot = '\0';
    assign(loading, name, dot + 1, equals + 1, "--set");
}

struct config *config_load(const struct config_table *table, const char *file, const char *const *sets, char **environment,
                           GError **error)
{
    struct config *config = g_new0(struct config, 1);
    config->table = table;
    config->settings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, setting_free);
    config->instances = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, names_free);
    add_defaults(config);
    g_autoptr(GString) mistakes = g_string_new(NULL);
    struct loading loading = {config, mistakes};
    if (file)
        load_file(&loading, file);
    load_environment(&loading, environment);
    for (size_t i = 0; sets && sets[i]; i++)
        load_set(&loading, sets[i]);
    if (mistakes->len == 0)
        return config;
    g_set_error_literal(error, config_error_quark(), 0, mistakes->str);
    config_free(config);
    return NULL;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    g_hash_table_unref(config->settings);
    g_hash_table_unref(config->instances);
    g_free(config);
}

/* ---- asking ---- */

static const struct setting *setting_of(const struct config *config, const char *name)
{
    const struct setting *setting = g_hash_table_lookup(config->settings, name);
    if (!setting)
        g_error("setting %s is asked for, but no row of the table describes it", name);
    return setting;
}

gint64 config_int(const struct config *config, const char *name)
{
    const struct setting *setting = setting_of(config, name);
    g_assert(setting->row->type == CONFIG_INT);
    return setting->number;
}

bool config_bool(const struct config *config, const char *name)
{
    const struct setting *setting = setting_of(config, name);
    g_assert(setting->row->type == CONFIG_BOOL);
    return setting->number != 0;
}

const char *config_string(const struct config *config, const char *name)
{
    const struct setting *setting = setting_of(config, name);
    g_assert(setting->row->type == CONFIG_STRING || setting->row->type == CONFIG_CHOICE);
    return setting->text;
}

const char *const *config_list(const struct config *config, const char *name)
{
    const struct setting *setting = setting_of(config, name);
    g_assert(setting->row->type == CONFIG_LIST);
    return (const char *const *)setting->items;
}

const char *const *config_instances(const struct config *config, const char *section)
{
    const GPtrArray *names = g_hash_table_lookup(config->instances, section);
    if (!names)
        g_error("instances of section %s are asked for, but no row has the section \"%s.*\"", section, section);
    return (const char *const *)names->pdata;
}

/* ---- the table as text ---- */

static const char *default_shown(const struct config_row *row)
{
    return row->secret ? "" : (row->default_value ? row->default_value : "");
}

char *config_help(const struct config_table *table)
{
    g_autofree char *prefix = g_ascii_strup(table->program, -1);
    GString *out = g_string_new(table->summary);
    g_string_append_printf(out,
                           "\n\nSettings (file: [section] key=value; environment: DAYBOOK_%s_<SECTION>_<KEY>; flag: --set "
                           "section.key=value):\n",
                           prefix);
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct config_row *row = &table->rows[i];
        g_autofree char *want = allowed(row);
        g_string_append_printf(out, "  %s.%s", row->section, row->key);
        if (default_shown(row)[0])
            g_string_append_printf(out, " = %s", default_shown(row));
        g_string_append_printf(out, "\n      %s\n      (%s%s)\n", row->help, want, row->secret ? "; secret, never printed" : "");
    }
    return g_string_free(out, FALSE);
}

/* A cell of a Markdown table: a bar would end it. */
static void append_cell(GString *out, const char *before, const char *text, const char *after)
{
    g_string_append(out, "| ");
    if (!text[0]) {
        g_string_append_c(out, ' ');
        return;
    }
    g_string_append(out, before);
    for (const char *p = text; *p; p++) {
        if (*p == '|')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append(out, after);
    g_string_append_c(out, ' ');
}

char *config_markdown(const struct config_table *table)
{
    g_autofree char *prefix = g_ascii_strup(table->program, -1);
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "## daybook-%s\n\n%s\n\nEnvironment: `DAYBOOK_%s_<SECTION>_<KEY>`.\n", table->program,
                           table->summary, prefix);
    const char *section = "";
    for (size_t i = 0; i < table->n_rows; i++) {
        const struct config_row *row = &table->rows[i];
        if (strcmp(section, row->section) != 0) {
            section = row->section;
            const char *shown = is_repeated(section) ? "NAME" : "";
            g_string_append_printf(out, "\n### [%.*s%s]\n\n", (int)(strlen(section) - (shown[0] ? 1 : 0)), section, shown);
            g_string_append(out, "| key | default | allowed | meaning |\n|---|---|---|---|\n");
        }
        g_autofree char *want = allowed(row);
        append_cell(out, "`", row->key, "`");
        append_cell(out, "`", default_shown(row), "`");
        append_cell(out, "", want, row->secret ? "; secret, never printed" : "");
        append_cell(out, "", row->help, "");
        g_string_append(out, "|\n");
    }
    return g_string_free(out, FALSE);
}
