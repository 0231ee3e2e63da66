export { arbitraryTable } from './arbitrary-table.ts'
export { sortedElements } from './sorted-elements.ts'
