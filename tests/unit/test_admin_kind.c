/* Who may see and change items of each kind, and what they may refer to. */
#include "api/admin_kind.h"

static struct registry_snapshot *snapshot;
static struct caller *acme, *everybody;

static void *make(enum registry_kind kind, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* From "'field':'value',…". */
static void *make(enum registry_kind kind, const char *format, ...)
{
    const struct item_shape *shape = registry_kind_info(kind)->shape;
    void *item = item_new(shape);
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_auto(GStrv) parts = g_strsplit(text, "'", -1); /* "", field, ":", value, ",", field, … */
    for (guint i = 1; i + 2 < g_strv_length(parts); i += 4)
        if (!item_take_text(item_field_named(shape, parts[i]), item, parts[i + 2]))
            g_error("%s: %s", parts[i], parts[i + 2]);
    return item;
}

static const struct admin_kind *kind_of(enum registry_kind kind)
{
    g_autofree char *path = g_strconcat("/api/v2/admin/", registry_kind_info(kind)->names, NULL);
    return admin_kind_at(path);
}

static void test_paths(void)
{
    for (int kind = 0; kind < REGISTRY_KIND_N; kind++) {
        const struct admin_kind *found = kind_of((enum registry_kind)kind);
        g_assert_cmpint((int)found->kind, ==, kind);
        g_autofree char *one = g_strconcat(found->path, "/x", NULL), *table = g_strconcat(found->path, ".csv", NULL);
        g_assert_true(admin_kind_at(one) == found && admin_kind_at(table) == found);
        g_assert_nonnull(item_field_named(admin_kind_info(found)->shape, found->id));
    }
}

/* What an administrator of acme may with an item: 's'ee, 'p'ut it where nothing is, put it over one that is the same. */
static void expect_rights(enum registry_kind kind, void *item, const char *rights)
{
    const struct admin_kind *admin = kind_of(kind);
    struct refusal refusal = {0};
    g_assert_true(admin_kind_shows(admin, everybody, item) && admin_kind_may_put(admin, everybody, item, item, &refusal));
    g_assert_true(admin_kind_shows(admin, acme, item) == (strchr(rights, 's') != NULL));
    for (int again = 0; again < 2; again++) {
        bool may = admin_kind_may_put(admin, acme, item, again ? item : NULL, &refusal);
        g_assert_true(may == (strchr(rights, 'p') != NULL));
        g_assert_cmpint(refusal.status, ==, may ? 0 : 403);
        refusal_clear(&refusal);
    }
    item_free(admin_kind_info(admin)->shape, item);
}

static void test_rights(void)
{
    static const struct {
        enum registry_kind kind;
        const char *name, *own, *of_all;
    } shared[] = {{REGISTRY_METHODS, "name", "sp", "s"},
                  {REGISTRY_PLANS, "name", "s", "s"},
                  {REGISTRY_LIMITS, "id", "sp", "s"},
                  {REGISTRY_CHANNELS, "id", "sp", ""}};
    for (size_t i = 0; i < G_N_ELEMENTS(shared); i++) {
        expect_rights(shared[i].kind, make(shared[i].kind, "'%s':'x','organization':'acme'", shared[i].name), shared[i].own);
        expect_rights(shared[i].kind, make(shared[i].kind, "'%s':'x','organization':'globex'", shared[i].name), "");
        expect_rights(shared[i].kind, make(shared[i].kind, "'%s':'x','organization':'*'", shared[i].name), shared[i].of_all);
    }
    expect_rights(REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':'acme'"), "sp");
    expect_rights(REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':''"), "");
    expect_rights(REGISTRY_ORGANIZATIONS, make(REGISTRY_ORGANIZATIONS, "'id':'acme'"), "s");
    expect_rights(REGISTRY_ORGANIZATIONS, make(REGISTRY_ORGANIZATIONS, "'id':'globex'"), "");
}

static void expect_refusal(bool ok, struct refusal *refusal, int status, const char *field)
{
    g_assert_false(ok);
    g_assert_cmpint(refusal->status, ==, status);
    g_assert_cmpstr(refusal->field, ==, field);
    refusal_clear(refusal);
}

/* An id that somebody else has; a tier above one's own, unless the client has it; and another plan than it has. */
static void test_over_others(void)
{
    const struct admin_kind *limits = kind_of(REGISTRY_LIMITS), *clients = kind_of(REGISTRY_CLIENTS);
    struct refusal refusal = {0};
    void *ours = make(REGISTRY_LIMITS, "'id':'l','organization':'acme'"),
         *theirs = make(REGISTRY_LIMITS, "'id':'l','organization':'globex'");
    expect_refusal(admin_kind_may_put(limits, acme, ours, theirs, &refusal), &refusal, 403, "id");
    g_assert_true(admin_kind_may_put(limits, everybody, ours, theirs, &refusal));
    item_free(&limit_rule_shape, ours);
    item_free(&limit_rule_shape, theirs);
    void *high = make(REGISTRY_CLIENTS, "'id':'c','organization':'acme','tier':'enterprise'"),
         *low = make(REGISTRY_CLIENTS, "'id':'c','organization':'acme','tier':'free'");
    expect_refusal(admin_kind_may_put(clients, acme, high, low, &refusal), &refusal, 403, "tier");
    expect_refusal(admin_kind_may_put(clients, acme, high, NULL, &refusal), &refusal, 403, "tier");
    g_assert_true(admin_kind_may_put(clients, acme, high, high, &refusal));
    g_assert_true(admin_kind_may_put(clients, acme, low, high, &refusal));
    item_free(&registry_client_shape, high);
    void *gold = make(REGISTRY_CLIENTS, "'id':'c','organization':'acme','plan':'gold'");
    expect_refusal(admin_kind_may_put(clients, acme, gold, low, &refusal), &refusal, 403, "plan");
    expect_refusal(admin_kind_may_put(clients, acme, gold, NULL, &refusal), &refusal, 403, "plan");
    expect_refusal(admin_kind_may_put(clients, acme, low, gold, &refusal), &refusal, 403, "plan");
    g_assert_true(admin_kind_may_put(clients, acme, gold, gold, &refusal));
    g_assert_true(admin_kind_may_put(clients, everybody, gold, low, &refusal));
    item_free(&registry_client_shape, gold);
    item_free(&registry_client_shape, low);
}

/* field NULL: it may be. */
static void expect_check(enum registry_kind kind, void *item, const void *before, const char *field)
{
    struct refusal refusal = {0};
    const struct admin_kind *admin = kind_of(kind);
    bool ok = admin_kind_check(admin, snapshot, item, before, &refusal);
    g_assert_true(ok == admin_kind_check(admin, snapshot, item, before, NULL));
    if (field == NULL)
        g_assert_true(ok);
    else
        expect_refusal(ok, &refusal, 400, field);
    item_free(registry_kind_info(kind)->shape, item);
}

static void test_references(void)
{
    expect_check(REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':'acme','plan':'gold'"), NULL, NULL);
    expect_check(REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':'acme','plan':''"), NULL, NULL);
    expect_check(REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':'acme','plan':'own'"), NULL, NULL);
    expect_check(REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':'globex','plan':'own'"), NULL, "plan");
    void *before = make(REGISTRY_CLIENTS, "'id':'c','organization':'globex','plan':'of yore'");
    expect_check(REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':'globex','plan':'of yore'"), before, NULL);
    expect_check(REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':'globex','plan':'of others'"), before, "plan");
    item_free(&registry_client_shape, before);
    expect_check(REGISTRY_ORGANIZATIONS, make(REGISTRY_ORGANIZATIONS, "'id':'acme','plan':'own'"), NULL, NULL);
    expect_check(REGISTRY_ORGANIZATIONS, make(REGISTRY_ORGANIZATIONS, "'id':'globex','plan':'own'"), NULL, "plan");
    expect_check(REGISTRY_LIMITS, make(REGISTRY_LIMITS, "'id':'l','organization':'acme','plan':'own','metric':'hits'"), NULL, NULL);
    expect_check(REGISTRY_LIMITS, make(REGISTRY_LIMITS, "'id':'l','organization':'*','plan':'own','metric':'hits'"), NULL, "plan");
    expect_check(REGISTRY_LIMITS, make(REGISTRY_LIMITS, "'id':'l','organization':'acme','client':'c','metric':'read'"), NULL, NULL);
    expect_check(REGISTRY_LIMITS, make(REGISTRY_LIMITS, "'id':'l','organization':'acme','client':'c','metric':'write'"), NULL,
                 "metric");
    void *webhook = make(REGISTRY_CHANNELS, "'id':'w','kind':'webhook'");
    expect_check(REGISTRY_CHANNELS, make(REGISTRY_CHANNELS, "'id':'w','kind':'webhook'"), webhook, NULL);
    expect_check(REGISTRY_CHANNELS, make(REGISTRY_CHANNELS, "'id':'w','kind':'email'"), webhook, "kind");
    item_free(&channel_shape, webhook);
}

static void test_use(void)
{
    struct refusal refusal = {0};
    const struct plan *gold = registry_find_plan(snapshot, NULL, "gold"), *own = registry_find_plan(snapshot, "acme", "own");
    const struct method *read = registry_find_method(snapshot, NULL, "read");
    g_assert_true(kind_of(REGISTRY_PLANS)->check_unused(snapshot, gold, &refusal));
    g_assert_true(kind_of(REGISTRY_METHODS)->check_unused(snapshot, read, &refusal));
    g_assert_true(
        registry_snapshot_add(snapshot, REGISTRY_CLIENTS, make(REGISTRY_CLIENTS, "'id':'c','organization':'acme','plan':'own'")));
    g_assert_true(
        registry_snapshot_add(snapshot, REGISTRY_ORGANIZATIONS, make(REGISTRY_ORGANIZATIONS, "'id':'globex','plan':'gold'")));
    g_assert_true(registry_snapshot_add(snapshot, REGISTRY_LIMITS,
                                        make(REGISTRY_LIMITS, "'id':'l','organization':'acme','plan':'gold','metric':'read'")));
    expect_refusal(kind_of(REGISTRY_PLANS)->check_unused(snapshot, own, &refusal), &refusal, 409, NULL);
    g_assert_false(kind_of(REGISTRY_PLANS)->check_unused(snapshot, gold, &refusal));
    g_assert_nonnull(strstr(refusal.message, "by 2 "));
    refusal_clear(&refusal);
    expect_refusal(kind_of(REGISTRY_METHODS)->check_unused(snapshot, read, &refusal), &refusal, 409, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    const char *const patterns[] = {"GET /**", NULL};
    acme = caller_new("a", "a", "acme", NULL, PERMISSION_ADMIN, TIER_STARTER);
    everybody = caller_new("e", "e", NULL, NULL, PERMISSION_ADMIN, TIER_FREE);
    snapshot = registry_snapshot_new(1);
    registry_snapshot_add(snapshot, REGISTRY_PLANS, make(REGISTRY_PLANS, "'name':'gold','currency':'EUR'"));
    registry_snapshot_add(snapshot, REGISTRY_PLANS, make(REGISTRY_PLANS, "'name':'own','organization':'acme','currency':'EUR'"));
    registry_snapshot_add(snapshot, REGISTRY_METHODS, method_new("read", "", NULL, patterns));
    g_test_add_func("/admin_kind/paths", test_paths);
    g_test_add_func("/admin_kind/rights", test_rights);
    g_test_add_func("/admin_kind/over_others", test_over_others);
    g_test_add_func("/admin_kind/references", test_references);
    g_test_add_func("/admin_kind/use", test_use);
    int code = g_test_run();
    registry_snapshot_unref(snapshot);
    caller_unref(acme);
    caller_unref(everybody);
    return code;
}
