/* Losses of the first five steps of Adam on logistic PCA, 12 to 3: tests/golden/logistic.py */
static const double golden_logistic[5] = { 8.2775490332624777, 8.2305974110257658, 8.1039286122890406, 7.8733441360321867, 7.6075889524455986 };
