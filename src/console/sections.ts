/** What the console has, in the order of its navigation. A section stands here when its pages are mounted. */
export type SectionId = 'today' | 'models' | 'policy' | 'invitations' | 'people' | 'phones' | 'certificates' | 'quarantine' | 'templates' | 'front-ends' | 'authority' | 'records' | 'account'

export type Section = { readonly id: SectionId, readonly path: string, readonly label: string }

export const sections: readonly Section[] = [
  { id: 'today', path: '/console', label: 'Today' },
  { id: 'models', path: '/console/models', label: 'Models' },
  { id: 'policy', path: '/console/policy', label: 'Policy' },
  { id: 'invitations', path: '/console/invitations', label: 'Invitations' },
  { id: 'people', path: '/console/people', label: 'People' },
  { id: 'phones', path: '/console/phones', label: 'Phones' },
  { id: 'certificates', path: '/console/certificates', label: 'Certificates' },
  { id: 'quarantine', path: '/console/quarantine', label: 'Quarantine' },
  { id: 'templates', path: '/console/templates', label: 'Templates' },
  { id: 'front-ends', path: '/console/front-ends', label: 'Front ends' },
  { id: 'authority', path: '/console/authority', label: 'Authority' },
  { id: 'records', path: '/console/records', label: 'Records' },
]

/** Where the search field of every page leads (`?q=`); undefined while there is nothing to find. */
export const searchPath: string | undefined = '/console/phones'
