import type { CertificateView } from '../../protocols/api/operations/certificate-view.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { furtherBack, nothingFound, searchField } from '../search-field.ts'
import { sortable, sortCaption, sortWords, type Sorting } from '../sorting.ts'
import { brief, certificateState, modelWords, named } from '../status-words.ts'
import { grade, table, when } from '../words.ts'

export type CertificateList = { items: readonly CertificateView[], query: string, person: string, next: string | null, lookedBackTo: string | null, unknownPerson: boolean, modelName: (productType: string) => string | null, sorting: Sorting, now: Date }

export function certificateListPage({ items, query, person, next, lookedBackTo, unknownPerson, modelName, sorting, now }: CertificateList): Markup {
  return html`<section><h1>Certificates</h1>${searchField('/console/certificates', query, 'Find certificates')}</section>
<section>${unknownPerson && html`<p role="status">Nobody with the address ${named(person)} was ever invited.</p>`}
${table({
  caption: query !== '' ? html`Certificates that “${named(query)}” finds, newest first` : person !== '' ? html`Certificates of ${named(person)}, ${sortWords[sorting.sort] ?? ''}` : sortCaption(sorting.sort),
  // What a search finds comes newest first.
  head: query !== '' ? ['Serial number', 'State', 'Person', 'Phone', 'Known by', 'Ends', 'Issued']
    : ['Serial number', 'State', sortable(sorting, 'Person', 'person'), 'Phone', 'Known by', sortable(sorting, 'Ends', 'ends'), sortable(sorting, 'Issued', 'created', 'descending')],
  rows: items.map(certificate => row(certificate, modelName, now)),
  empty: query !== '' ? nothingFound(lookedBackTo, html`No certificate has “${named(query)}” in its serial number or fingerprint, nor has its phone or person.`)
    : person !== '' ? 'This person has no certificate.' : 'No certificate yet. One stands here as soon as a phone has enrolled.',
})}${furtherBack(next, lookedBackTo)}</section>`
}

const row = (certificate: CertificateView, modelName: CertificateList['modelName'], now: Date): (string | Markup)[] => [
  html`<a href="/console/certificates/${certificate.serialNumber}"><code>${certificate.serialNumber}</code></a>`,
  certificateState(certificate.status),
  html`${certificate.personId === null ? '–' : personLink(certificate.personId, certificate.personName ?? '')}<br><span class="soft">${brief(certificate.personEmail ?? '', 254)}</span>`,
  certificate.deviceId === null || certificate.productType === null ? '–'
    : html`<a href="/console/phones/${certificate.deviceId}">${modelWords({ modelName: modelName(certificate.productType), productType: certificate.productType })}</a>`,
  certificate.grade === null ? '–' : grade(certificate.grade, certificate.test),
  when(new Date(certificate.notAfter), now), when(new Date(certificate.createdAt), now),
]
