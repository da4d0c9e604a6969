/* Losses of the first five steps of Adam on autoencoders of 5x6x2 pictures, by tests/golden/pictures.py */
static const double golden_residual[5] = { 41.638328933484999, 41.625902321059392, 41.615873671651073, 41.607407672042143, 41.600498195354433 };
static const double golden_pooled[5] = { 41.637598702819005, 41.533008226512884, 41.422064807733399, 41.386949037651625, 41.34930932677495 };
