#include "api/costs_accounts.h"

#include "lib/keys.h"

struct making {
    const struct registry_snapshot *registry;
    const struct cost_filter *filter;
    GHashTable *accounts; /* name -> struct cost_account */
};

static void account_free(void *opaque)
{
    struct cost_account *account = opaque;
    g_free(account->name);
    g_free(account->organization);
    g_free(account->client);
    g_free(account);
}

/* ---- whose ---- */

static const char *name_or_null(const char *name)
{
    return name != NULL && name[0] != '\0' ? name : NULL;
}

/* Everything about an account but its requests. */
static void judge(const struct making *making, struct cost_account *account)
{
    const struct registry_snapshot *registry = making->registry;
    const char *organization = account->organization;
    const struct registry_client *client =
        account->client != NULL ? registry_find_client(registry, organization, account->client) : NULL;
    const struct registry_organization *whole = registry_find_organization(registry, organization);
    const char *own = client != NULL ? name_or_null(client->plan) : NULL;
    const char *pooled = whole != NULL ? name_or_null(whole->plan) : NULL;
    account->plan_name = own != NULL ? own : pooled;
    const struct plan *plan = account->plan_name != NULL ? registry_find_plan(registry, organization, account->plan_name) : NULL;
    account->kind = plan == NULL ? COST_UNPRICED : own != NULL ? COST_CLIENT : COST_ORGANIZATION;
    account->plan = plan;
}

static struct cost_account *account_new(const char *organization, const char *client)
{
    struct cost_account *account = g_new0(struct cost_account, 1);
    account->organization = g_strdup(organization);
    account->client = g_strdup(client);
    return account;
}

/* It becomes the organization's, unless one client was asked for: then it is its share. */
static void pool(const struct making *making, struct cost_account *account)
{
    if (making->filter->client != NULL) {
        account->kind = COST_MEMBER;
        account->plan = NULL;
        return;
    }
    g_clear_pointer(&account->client, g_free);
}

/* The account to which a client (NULL: none, the organization itself) belongs; made when it is not there yet. */
static struct cost_account *account_of(struct making *making, const char *organization, const char *client)
{
    struct cost_account *account = account_new(organization, client);
    judge(making, account);
    if (account->kind == COST_ORGANIZATION && client != NULL)
        pool(making, account);
    account->name = account->client != NULL ? registry_client_key(organization, account->client) : g_strdup(organization);
    struct cost_account *same = g_hash_table_lookup(making->accounts, account->name);
    if (same != NULL) {
        account_free(account);
        return same;
    }
    g_hash_table_insert(making->accounts, account->name, account);
    return account;
}

/* ---- making them ---- */

static bool wants(const struct cost_filter *filter, const char *organization, const char *client)
{
    return (filter->organization == NULL || strcmp(filter->organization, organization) == 0) &&
           (filter->client == NULL || g_strcmp0(filter->client, client) == 0);
}

/* All that was counted; sums fit, because all together do. */
static void add_counted(struct making *making, const struct cost_usage *usage)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, usage->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct cost_client *counted = value;
        const char *separator = strchr(counted->name, KEYS_CLIENT_SEPARATOR);
        g_assert(separator != NULL);
        g_autofree char *organization = g_strndup(counted->name, (gsize)(separator - counted->name));
        struct cost_account *account = account_of(making, organization, separator + 1);
        for (int i = 0; i < COST_DAYS_MAX; i++)
            account->requests[i] += counted->requests[i];
    }
}

/* All that have a plan, used or not; and a client that was asked for. */
static void add_registered(struct making *making)
{
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, making->registry->organizations);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_organization *organization = value;
        if (name_or_null(organization->plan) != NULL && wants(making->filter, organization->id, NULL)) /* not with a client */
            account_of(making, organization->id, NULL);
    }
    g_hash_table_iter_init(&iter, making->registry->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct registry_client *client = value;
        bool is_meant = making->filter->client != NULL || name_or_null(client->plan) != NULL;
        if (is_meant && wants(making->filter, client->organization, client->id))
            account_of(making, client->organization, client->id);
    }
}

/* An organization whose plan is not set up has no account that could be unpriced: its clients are. */
static bool is_shown(const struct cost_account *account, const struct cost_filter *filter)
{
    if (account->client == NULL && account->kind == COST_UNPRICED)
        return false;
    return filter->plan == NULL || (account->plan != NULL && strcmp(account->plan->name, filter->plan) == 0);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    const struct cost_account *const *first = a, *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

GPtrArray *cost_accounts_new(const struct cost_usage *usage, const struct registry_snapshot *registry,
                             const struct cost_filter *filter)
{
    struct making making = {registry, filter, g_hash_table_new(g_str_hash, g_str_equal)};
    GPtrArray *accounts = g_ptr_array_new_with_free_func(account_free);
    GHashTableIter iter;
    void *value;
    add_counted(&making, usage);
    add_registered(&making);
    g_hash_table_iter_init(&iter, making.accounts);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        if (is_shown(value, filter))
            g_ptr_array_add(accounts, value);
        else
            account_free(value);
    }
    g_hash_table_destroy(making.accounts);
    g_ptr_array_sort(accounts, by_name);
    return accounts;
}

guint cost_accounts_after(const GPtrArray *accounts, const char *name)
{
    guint low = 0, high = name != NULL ? accounts->len : 0;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        const struct cost_account *account = g_ptr_array_index(accounts, middle);
        if (strcmp(account->name, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void cost_account_sum(struct cost_summary *summary, const struct cost_account *account, const struct cost_month *month)
{
    *summary = (struct cost_summary){
        .kind = account->kind,
        .organization = g_strdup(account->organization),
        .client = g_strdup(account->client),
        .plan_name = g_strdup(account->plan_name),
    };
    cost_summary_fill(summary, month, account->plan, account->requests);
}

/* ---- totals ---- */

static struct cost_amount *amount_in(GArray *amounts, const char *currency)
{
    for (guint i = 0; i < amounts->len; i++) {
        struct cost_amount *amount = &g_array_index(amounts, struct cost_amount, i);
        if (strcmp(amount->currency, currency) == 0)
            return amount;
    }
    const struct cost_amount none = {.currency = currency};
    g_array_append_val(amounts, none);
    return &g_array_index(amounts, struct cost_amount, amounts->len - 1);
}

static void add_to_totals(struct cost_totals *totals, const struct cost_account *account, const struct cost_month *month)
{
    struct cost_summary summary;
    cost_account_sum(&summary, account, month);
    totals->requests += summary.used;
    if (summary.plan != NULL) {
        struct cost_amount *amount = amount_in(totals->amounts, account->plan->currency);
        amount->amount = money_add(amount->amount, summary.amount);
        amount->projected = money_add(amount->projected, summary.projected.amount);
        totals->priced += summary.used;
        totals->accounts++;
    } else if (summary.kind == COST_MEMBER) {
        totals->members += summary.used;
    } else {
        totals->unpriced += summary.used;
    }
    cost_summary_clear(&summary);
}

static gint by_currency(gconstpointer a, gconstpointer b)
{
    return strcmp(((const struct cost_amount *)a)->currency, ((const struct cost_amount *)b)->currency);
}

void cost_totals_init(struct cost_totals *totals, const GPtrArray *accounts, const struct cost_month *month)
{
    *totals = (struct cost_totals){.amounts = g_array_new(FALSE, FALSE, sizeof(struct cost_amount))};
    for (guint i = 0; i < accounts->len; i++)
        add_to_totals(totals, g_ptr_array_index(accounts, i), month);
    g_array_sort(totals->amounts, by_currency);
}

void cost_totals_clear(struct cost_totals *totals)
{
    g_clear_pointer(&totals->amounts, g_array_unref);
}
