//! Many short lists in one piece of memory.

/// Lists, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists<T> {
    items: Vec<T>,
    /// Where each list ends.
    ends: Vec<u32>,
}

impl<T> Default for Lists<T> {
    fn default() -> Lists<T> {
        Lists { items: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Lists<T> {
    /// Adds a list.
    pub fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.items.extend(list);
        self.end();
    }

    /// Adds the lists of another behind these.
    pub fn append(&mut self, other: Lists<T>) {
        let before = self.items.len() as u32;
        self.items.extend(other.items);
        self.ends.extend(other.ends.into_iter().map(|end| before + end));
    }

    /// Adds an item to a list that is not ended yet.
    pub(super) fn add(&mut self, item: T) {
        self.items.push(item);
    }

    /// Ends the list that the last items were added to.
    pub(super) fn end(&mut self) {
        self.ends.push(self.items.len() as u32);
    }

    /// A list.
    pub fn get(&self, index: usize) -> Option<&[T]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.items[start as usize..end as usize])
    }

    /// All lists.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// All lists, whose items can be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let (mut rest, mut start) = (&mut self.items[..], 0);
        self.ends.iter().map(move |&end| {
            let (list, others) = std::mem::take(&mut rest).split_at_mut((end - start) as usize);
            (rest, start) = (others, end);
            list
        })
    }

    /// The items of all lists.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The items of all lists, which can be changed.
    pub fn items_mut(&mut self) -> &mut [T] {
        &mut self.items
    }

    /// How many lists there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_their_order_and_their_ends() {
        let mut lists = Lists::default();
        for list in [&[1, 2][..], &[], &[3]] {
            lists.push(list.iter().copied());
        }
        let mut more = Lists::default();
        [&[][..], &[4]].into_iter().for_each(|list| more.push(list.iter().copied()));
        lists.append(more);
        lists.iter_mut().flatten().for_each(|item| *item *= 10);
        assert_eq!(lists.iter().collect::<Vec<_>>(), [&[10, 20][..], &[], &[30], &[], &[40]]);
        assert_eq!((lists.len(), lists.get(2), lists.get(5)), (5, Some(&[30][..]), None));
    }
}
