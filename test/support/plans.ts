/** Which statements a service asks its database, and whether PostgreSQL can answer them without reading a whole table that grows. */
import type { Database, Queryable } from '../../src/store/db.ts'
import { parameter } from '../../src/store/values.ts'

export type Statement = { readonly text: string, readonly params: readonly unknown[] }
export type Plan = { 'Node Type': string, 'Relation Name'?: string, 'Index Name'?: string, 'Index Cond'?: string, Plans?: Plan[] }

/** A database that says what it was asked, in transactions as well. */
export function overheard(db: Database): { db: Database, statements: Statement[] } {
  const statements: Statement[] = []
  const hearing = (query: Queryable['query']): Queryable['query'] => async (text, params = []) => {
    statements.push({ text, params })
    return await query(text, params)
  }
  return {
    statements,
    db: { ...db, query: hearing(db.query), queryApart: hearing(db.queryApart), transaction: async (work, patience) => await db.transaction(async tx => await work({ ...tx, query: hearing(tx.query) }), patience) },
  }
}

/** Each text once, with the parameters that it was asked with last. */
export const distinct = (statements: readonly Statement[]): Statement[] =>
  [...new Map(statements.filter(({ text }) => /^\s*(?:select|with|insert|update|delete)\b/i.test(text)).map(statement => [statement.text, statement])).values()]

export const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

/** Tables that stay small however old the store is. Every other one is read by an index. */
const small = new Set(['authorities', 'signers', 'keys', 'crls', 'crl_addresses', 'counters', 'settings', 'templates', 'rules', 'approvals', 'policy_version', 'admins', 'tokens', 'front_ends', 'counts', 'counted', 'catalogue_updates', 'inventory', 'setup_links', 'admin_passwords', 'passkeys', 'recovery_codes', 'console_secret'])

/** The same for a statement that was planned without its values, as the server does with one that has a name. */
export async function planWithoutValues(db: Database, { text, params }: Statement): Promise<Plan> {
  const literal = (value: unknown): string => {
    const written = parameter(value)
    return written === null ? 'null' : `'${written.replaceAll("'", "''")}'`
  }
  return await db.transaction(async tx => {
    await tx.exec(`set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off;
      set local plan_cache_mode = force_generic_plan; prepare trial as ${text}`)
    const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`explain (format json) execute trial${params.length === 0 ? '' : `(${params.map(literal).join(', ')})`}`)
    await tx.exec('deallocate trial')
    return row!['QUERY PLAN'][0].Plan
  })
}

/** @param settings  further ones for the planner @returns how PostgreSQL answers when reading a whole table, which is quickest in a small store, is what it does last */
export async function planOf(db: Database, { text, params }: Statement, settings = ''): Promise<Plan> {
  return await db.transaction(async tx => {
    await tx.exec(`set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off; ${settings}`)
    const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`explain (format json) ${text}`, params)
    return row!['QUERY PLAN'][0].Plan
  })
}

/**
 * What of a plan is read from one end to the other: a table that grows, or an index that has all of its rows, unless only the
 * first ones are asked for.
 *
 * @param whole  indexes with an entry for each row of a table that grows
 */
export function readWhole(plan: Plan, whole: ReadonlySet<string>, limited = false): string[] {
  const only = limited || plan['Node Type'] === 'Limit'
  const { 'Relation Name': table = '', 'Index Name': index = '' } = plan
  const here = plan['Node Type'] === 'Seq Scan' && !small.has(table) ? [table]
    : plan['Index Cond'] === undefined && whole.has(index) && !only ? [`${table} by all of ${index}`] : []
  return [...here, ...(plan.Plans ?? []).flatMap(child => readWhole(child, whole, only))]
}

export async function wholeIndexes(db: Queryable): Promise<Set<string>> {
  const rows = await db.query<{ name: string, table: string }>(`select i.indexrelid::regclass::text as name, c.relname as table from pg_index i
    join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and i.indpred is null`)
  return new Set(rows.filter(({ table }) => !small.has(table)).map(({ name }) => name))
}
