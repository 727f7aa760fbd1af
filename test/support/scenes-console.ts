/** The pages of every day. */
import type { Page } from 'playwright-core'
import type { Scene } from './scene.ts'

const press = async (page: Page, name: string | RegExp): Promise<void> => {
  await page.getByRole('main').getByRole('button', { name }).first().click()
  await page.waitForLoadState()
}

const table = `name,email,template,devices
Ines Roth,ines.roth@northwind.example,northwind-mail,1
Wolfgang Amadé Sonnleithner-Hochreiter,w.a.sonnleithner-hochreiter@subsidiary.northwind.example,northwind-mail,2
Li Na,li.na@northwind.example,visitors,1`

const many = (text: string) => async (page: Page): Promise<void> => {
  await page.getByLabel('The table').fill(text)
  await press(page, 'Check the table')
}

const models: readonly Scene[] = [
  { name: 'models', route: '/console/models', query: 'family=iPhone' },
  { name: 'models-all', route: '/console/models' },
  { name: 'models-none', route: '/console/models', query: 'family=iPhone&q=no-such-model' },
  { name: 'models-seen', route: '/console/models', query: 'approved=yes&seen=yes', as: 'auditor' },
  { name: 'model', route: '/console/models/:identifier', at: () => ({ identifier: 'iPhone17,3' }) },
  { name: 'model-old', route: '/console/models/:identifier', at: () => ({ identifier: 'iPhone1,2' }) },
  { name: 'models-update', route: '/console/models/update' },
  { name: 'models-update-refused', route: '/console/models/update', act: async page => {
    await page.getByLabel('The file').fill('{ "models": [{ "identifier": "iPhone99,1" }] }')
    await press(page, 'See what it changes')
  } },
  { name: 'models-update-checked', route: '/console/models/update', leadsTo: '/console/models/update/:shown', act: async page => {
    await page.getByLabel('The file').fill(JSON.stringify({ version: '2026-11-01', builds: [{ build: '25A999', version: '26.9', os: ['iOS'], released: '2026-11-01', kind: 'release', productTypes: ['iPhone17,3'] }] }))
    await press(page, 'See what it changes')
  } },
  { name: 'models-approve', route: '/console/models/approve', query: 'preset=attests-model' },
  { name: 'models-approve-one', route: '/console/models/approve', query: 'model=iPhone10,4' },
]

const policy: readonly Scene[] = [
  { name: 'policy', route: '/console/policy' },
  { name: 'policy-seen', route: '/console/policy', as: 'auditor' },
  { name: 'policy-rule', route: '/console/policy/new' },
  { name: 'policy-rule-refused', route: '/console/policy/new', act: async page => {
    await page.getByLabel('Version below').fill('seventeen')
    await page.getByLabel('Reason for the record').fill('Holes in older ones')
    await press(page, 'See what it means')
  } },
  { name: 'policy-explain', route: '/console/policy/explain' },
  { name: 'policy-explained', route: '/console/policy/explain', query: 'product=iPhone10,4&build=20G81' },
  { name: 'policy-explained-phone', route: '/console/policy/explain', query: ({ settled }) => `phone=${settled.waiting}` },
  { name: 'policy-activesync', route: '/console/policy/activesync' },
  { name: 'policy-activesync-explained', route: '/console/policy/activesync', query: 'userAgent=Apple-iPhone14C5/2202.140' },
  { name: 'policy-import', route: '/console/policy/import' },
  { name: 'policy-import-people', route: '/console/policy/import', act: async page => {
    await page.getByLabel('Phones', { exact: true }).fill('DeviceId,UserDisplayName,PrimarySmtpAddress,DeviceType,DeviceUserAgent\nA1,Ann Able,ann@northwind.example,iPhone,Apple-iPhone14C5/2202.140\nA2,Ann Able,ann@northwind.example,iPhone,Apple-iPhone5C1/1002.146\nA3,Bob Blunt,bob@northwind.example,Android,Android/12\n')
    await press(page, 'Whom to invite')
  } },
  { name: 'policy-exemption-new', route: '/console/policy/exemptions/new', query: ({ settled }) => `phone=${settled.waiting}` },
  { name: 'policy-changes', route: '/console/policy/changes' },
  ...(['ready', 'nobody', 'withdrawal', 'counting', 'applied', 'later', 'applying', 'undone'] as const).map((state): Scene => ({
    name: `policy-change-${state}`, route: '/console/policy/changes/:id', at: ({ changes }) => ({ id: changes[state] }),
  })),
  { name: 'policy-exemption-end', route: '/console/policy/exemptions/:id/end', at: ({ exemption }) => ({ id: exemption }) },
]

const invitations: readonly Scene[] = [
  { name: 'invitations', route: '/console/invitations' },
  { name: 'invitations-of-one', route: '/console/invitations', query: 'email=ines.roth@northwind.example' },
  { name: 'invitations-of-nobody', route: '/console/invitations', query: 'email=nobody@northwind.example', as: 'auditor' },
  { name: 'invitation-new', route: '/console/invitations/new' },
  { name: 'invitation-refused', route: '/console/invitations/new', act: async page => {
    await page.evaluate(() => { for (const form of (globalThis as any).document.forms) form.noValidate = true })
    await page.getByLabel('Name', { exact: true }).fill('Ines Roth')
    await page.getByLabel('E-mail address').fill('ines at northwind')
    await page.getByLabel('How many phones').fill('0')
    await press(page, 'Create the invitation')
  } },
  { name: 'invitation-made', route: '/console/invitations/new', leadsTo: '/console/invitations/told/:shown', act: async page => {
    await page.getByLabel('Name', { exact: true }).fill('Wolfgang Amadé Sonnleithner-Hochreiter')
    await page.getByLabel('E-mail address').fill('w.a.sonnleithner-hochreiter@subsidiary.northwind.example')
    await press(page, 'Create the invitation')
  } },
  { name: 'invitations-many', route: '/console/invitations/many' },
  { name: 'invitations-many-checked', route: '/console/invitations/many', act: many(table) },
  { name: 'invitations-many-mistakes', route: '/console/invitations/many', act: many(`${table}\nNobody,no address,default,1\n,x@northwind.example,missing,0`) },
  { name: 'invitations-many-made', route: '/console/invitations/many', leadsTo: '/console/invitations/told/:shown', act: async page => {
    await many(table)(page)
    await press(page, /Invite 3 people/)
  } },
  ...(['fresh', 'failed', 'changed', 'usedUp', 'ended', 'expired', 'late'] as const).map((state): Scene => ({
    name: `invitation-${state}`, route: '/console/invitations/:id', at: ({ invitations: all }) => ({ id: all[state]! }),
  })),
]

const phones: readonly Scene[] = [
  { name: 'people', route: '/console/people' },
  { name: 'people-found', route: '/console/people', query: 'q=roth' },
  { name: 'person', route: '/console/people/:id', at: ({ person }) => ({ id: person }) },
  { name: 'person-seen', route: '/console/people/:id', at: ({ person }) => ({ id: person }), as: 'auditor' },
  { name: 'person-revoke', route: '/console/people/:id/:verb', at: ({ person }) => ({ id: person, verb: 'revoke' }) },
  { name: 'inventory', route: '/console/inventory' },
  { name: 'inventory-seen', route: '/console/inventory', query: 'q=nothing-of-the-kind', as: 'auditor' },
  { name: 'inventory-import', route: '/console/inventory/import' },
  { name: 'inventory-previewed', route: '/console/inventory/import', act: async page => {
    await page.getByLabel('The list').fill('Serial Number,Model,Email,Asset Tag\nF2LXK0AAAB,iPhone 13,ada@northwind.example,NW-1\nF2LXK0AAAC,Galaxy S21,,\n')
    await press(page, 'Check the list')
  } },
  { name: 'inventory-mistaken', route: '/console/inventory/import', act: async page => {
    await page.getByLabel('The list').fill('Serial Number,Model,Email\n1.2E+11,iPhone 13,nobody\n')
    await press(page, 'Check the list')
  } },
  { name: 'inventory-require', route: '/console/inventory/require' },
  { name: 'inventory-remove', route: '/console/inventory/remove' },
  { name: 'phones', route: '/console/phones' },
  { name: 'phones-found', route: '/console/phones', query: 'q=max' },
  { name: 'phones-none', route: '/console/phones', query: 'q=nobody-here' },
  ...(['good', 'held', 'revoked', 'waiting', 'exempt', 'refusedByHand'] as const).map((state): Scene => ({ name: `phone-${state}`, route: '/console/phones/:id', at: ({ settled }) => ({ id: settled[state] }) })),
  { name: 'phone-seen', route: '/console/phones/:id', at: ({ settled }) => ({ id: settled.good }), as: 'auditor' },
  ...(['revoke', 'hold'] as const).map((verb): Scene => ({ name: `phone-${verb}`, route: '/console/phones/:id/:verb', at: ({ settled }) => ({ id: settled.good, verb }) })),
  { name: 'phone-release', route: '/console/phones/:id/:verb', at: ({ settled }) => ({ id: settled.held, verb: 'release' }) },
  { name: 'certificates', route: '/console/certificates' },
  { name: 'certificates-found', route: '/console/certificates', query: 'q=roth' },
  ...(['good', 'held', 'revoked'] as const).map((state): Scene => ({ name: `certificate-${state}`, route: '/console/certificates/:certificate', at: ({ settled }) => ({ certificate: settled.serials[state] }) })),
  { name: 'certificate-revoke', route: '/console/certificates/:certificate/:verb', at: ({ settled }) => ({ certificate: settled.serials.good, verb: 'revoke' }) },
  { name: 'quarantine', route: '/console/quarantine' },
  { name: 'quarantine-decide', route: '/console/quarantine/:id', at: ({ settled }) => ({ id: settled.waiting }) },
  { name: 'quarantine-decide-seen', route: '/console/quarantine/:id', at: ({ settled }) => ({ id: settled.waiting }), as: 'auditor' },
]

const others: readonly Scene[] = [
  { name: 'today', route: '/console' },
  { name: 'templates', route: '/console/templates' },
  { name: 'template-new', route: '/console/templates/new' },
  { name: 'template', route: '/console/templates/:name', at: () => ({ name: 'northwind-mail' }) },
  { name: 'template-seen', route: '/console/templates/:name', at: () => ({ name: 'northwind-mail' }), as: 'auditor' },
  { name: 'template-mistakes', route: '/console/templates/:name', at: () => ({ name: 'northwind-mail' }), act: async page => {
    await page.getByLabel('The text').fill('{ "organization": "Northwind", "displayNam": "x", "passcode": { "minLength": 40 } }')
    await press(page, 'Write the template')
  } },
  { name: 'authority', route: '/console/authority' },
  { name: 'authority-seen', route: '/console/authority', as: 'auditor' },
  { name: 'front-ends', route: '/console/front-ends' },
  { name: 'front-end-new', route: '/console/front-ends/new' },
  { name: 'front-end-refused', route: '/console/front-ends/new', act: async page => {
    await page.getByLabel('Name', { exact: true }).fill('Mail 1')
    await press(page, 'Add it')
  } },
  { name: 'front-end-added', route: '/console/front-ends/new', leadsTo: '/console/front-ends/added/:shown', act: async page => {
    await page.getByLabel('Name', { exact: true }).fill('vpn')
    await press(page, 'Add it')
  } },
  ...(['mail-1', 'mail-2', 'archive'] as const).map((name): Scene => ({ name: `front-end-${name}`, route: '/console/front-ends/:name', at: () => ({ name }) })),
  { name: 'front-end-seen', route: '/console/front-ends/:name', at: () => ({ name: 'mail-1' }), as: 'auditor' },
  { name: 'front-end-end', route: '/console/front-ends/:name/end', at: () => ({ name: 'archive' }) },
  { name: 'records', route: '/console/records' },
  { name: 'records-filtered', route: '/console/records', query: 'action=rule.add' },
  { name: 'records-refused', route: '/console/records', query: 'from=yesterday' },
  { name: 'record', route: '/console/records/:id', at: ({ record }) => ({ id: record }) },
]

export const consoleScenes: readonly Scene[] = [...others, ...models, ...policy, ...invitations, ...phones]
